"""What ``./reproduce report`` and ``./reproduce figures`` are both told."""

from common import RESULTS
from common.arguments import folder


def add_results_dir(parser):
    parser.add_argument(
        "--results-dir",
        type=folder,
        metavar="DIR",
        nargs="+",
        default=[RESULTS],
        help="folders with run folders in them, or with folders of these",
    )
