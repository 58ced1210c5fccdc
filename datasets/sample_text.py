"""A made-up corpus in the manner of the Penn Treebank's, with rules to learn.

A small probabilistic grammar writes sentences in lower case, one a line. Nouns
agree with their verbs in number, also over a relative clause; words are as
unevenly frequent as in real text; numbers are ``N`` and rare names ``<unk>``.
"""

import random

# Only Random.random() is used: the rest of the module's methods may change with
# Python's version, and the corpus must not.

SIZES = {"sample.train.txt": 320_000, "sample.valid.txt": 40_000}
SIZES["sample.test.txt"] = 40_000

# Frequent words first: word k of a list is drawn with a weight of 1 / (k + 1).
PEOPLE = (
    "baker miller tanaka olsen fischer moreau castillo haddad quigley jankowski "
    "novak brandt okafor lindqvist xavier"
).split()
FIRMS = (
    "harbor steel|northern gas|juniper foods|the city bank|zenith paper|"
    "b & k motors|mid-coast rail|velvet airlines|orchard systems"
).split("|")
NOUNS = (
    "company market share price bank investor plan unit dealer report analyst "
    "product contract factory bond buyer group judge farmer engine loan ship "
    "union museum journal question witness forest vehicle jazz-club"
).split()
ADJECTIVES = (
    "new big high early foreign quarterly strong weak local public large quiet "
    "expensive modest junk-rated zealous"
).split()
# Third person singular and plural, so that a verb shows what its subject was.
INTRANSITIVE = "rises/rise falls/fall waits/wait closes/close agrees/agree".split()
TRANSITIVE = (
    "buys/buy sells/sell expects/expect owns/own needs/need offers/offer "
    "reviews/review rejects/reject questions/question"
).split()
SAYING = "says/say thinks/think hopes/hope denies/deny".split()
PLACES = "japan the west europe brazil kansas the valley quebec".replace(
    "the ", "the-"
).split()
TIMES = "monday friday this-week last-year in-the-third-quarter at-noon".split()


def plural_of(noun):
    return noun[:-1] + "ies" if noun.endswith("y") else noun + "s"


class Writer:
    """Writes sentences; the same ones for the same seed."""

    def __init__(self, seed):
        self.uniform = random.Random(seed).random

    def chance(self, probability):
        return self.uniform() < probability

    def word(self, words):
        """Draw a word, the first ones most often."""
        weights = [1 / (place + 1) for place in range(len(words))]
        mark = self.uniform() * sum(weights)
        for word, weight in zip(words, weights):
            mark -= weight
            if mark < 0:
                return word
        return words[-1]

    def verb(self, verbs, plural):
        return self.word(verbs).split("/")[plural]

    def noun(self, plural, depth=0):
        """A noun phrase, with a relative clause now and then."""
        noun = self.word(NOUNS)
        adjective = self.word(ADJECTIVES) + " " if self.chance(0.35) else ""
        if plural:
            start = self.word(["the ", "", "some ", "N "])
            phrase = start + adjective + plural_of(noun)
        else:
            start = self.word(["the", "a", "its", "this"])
            first = (adjective + noun)[0]
            start += "n" if start == "a" and first in "aeiou" else ""
            phrase = f"{start} {adjective}{noun}"
        if depth == 0 and self.chance(0.15):
            clause = self.verb(TRANSITIVE, plural) + " " + self.object(1)
            phrase += f" that {clause}"
        return phrase

    def subject(self):
        """A subject, and whether it is plural."""
        if self.chance(0.15):
            title = self.word(["mr.", "ms.", "judge"])
            name = "<unk>" if self.chance(0.2) else self.word(PEOPLE)
            return f"{title} {name}", False
        if self.chance(0.2):
            return self.word(FIRMS), False
        plural = self.chance(0.4)
        return self.noun(plural), plural

    def object(self, depth=0):
        if self.chance(0.15):
            unit = self.word(["million", "billion", "a share"])
            return f"$ N {unit}"
        if self.chance(0.15):
            return f"{self.word(FIRMS)} 's {plural_of(self.word(NOUNS))}"
        return self.noun(self.chance(0.4), depth)

    def clause(self):
        """Subject, verb in the same number, and what it takes."""
        subject, plural = self.subject()
        if self.chance(0.35):
            words = f"{subject} {self.verb(INTRANSITIVE, plural)}"
            words += self.word(["", " N %", " to $ N", " sharply"])
        else:
            words = f"{subject} {self.verb(TRANSITIVE, plural)} {self.object()}"
        if self.chance(0.2):
            words += " in " + self.word(PLACES).replace("the-", "the ")
        if self.chance(0.2):
            words += " " + self.word(TIMES).replace("-", " ")
        return words

    def sentence(self):
        if self.chance(0.2):
            subject, plural = self.subject()
            return f"{subject} {self.verb(SAYING, plural)} {self.clause()}"
        sentence = self.clause()
        if self.chance(0.2):
            sentence += f" {self.word(['and', 'but', 'because', 'while'])}"
            sentence += f" {self.clause()}"
        return sentence

    def text(self, size):
        """Sentences, one a line as in the Treebank's files, `size` bytes or more."""
        lines, written = [], 0
        while written < size:
            lines.append(f" {self.sentence()} \n")
            written += len(lines[-1])
        return "".join(lines).encode("ascii")


def sample_texts():
    """Write the sample corpus.

    Returns
    -------
    dict
        Maps the names of the training, validation and test text to their
        contents (bytes); the same on every machine.

    """
    return {
        name: Writer(seed).text(size) for seed, (name, size) in enumerate(SIZES.items())
    }
