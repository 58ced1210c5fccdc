"""The options of ``./reproduce all``."""

import argparse
import sys

from common.arguments import count, positive
from common.arguments import device as device_name

DESCRIPTION = """\
Do all that a plan names: fetch the data, train the models, draw the figures, write the
report. What is finished stays, what was begun is continued, to the last bit, and no
finished epoch is repeated. Ctrl-C saves and stops. Built on Snakemake, which is
installed into .venv-workflow on first use.
"""

EPILOG = """\
plans:
  plans/sample.yaml   small models on built-in data: minutes, nothing is downloaded
  plans/small.yaml    all of it at the size of --preset small: hours on two cores
  plans/paper.yaml    the paper at full length, which takes many slots on two cores

examples:
  ./reproduce all --plan plans/sample.yaml
  ./reproduce all --plan plans/paper.yaml --dry-run
  ./reproduce all --plan plans/paper.yaml --stop-after 120
                        two hours of it; given again, the next two
  ./reproduce all --plan plans/paper.yaml --jobs 3 --device cuda
                        three models side by side on one GPU

exit status: 0 when everything is finished, 75 when --stop-after ended it and there is
more to do, 1 when something failed, 2 for a plan or options that make no sense, and
128 + N after signal N. docs/WORKFLOW.md has the rest: plans of your own, clusters.
"""


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        prog="./reproduce all",
        usage="%(prog)s --plan FILE [options] [-- options of snakemake]",
        description=DESCRIPTION,
        epilog=EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--plan", metavar="FILE", required=True, help="what to do")
    parser.add_argument(
        "--jobs",
        type=count,
        metavar="N",
        help="runs side by side; each has its share of the cores (default: 1; with "
        "--profile, what that says)",
    )
    parser.add_argument(
        "--stop-after",
        type=positive,
        metavar="MINUTES",
        help="stop so long after the start, each run after its current update; with "
        "--profile, so long after the start of each job",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what would be done"
    )
    parser.add_argument(
        "--device",
        type=device_name,
        metavar="{auto,cpu,cuda,cudaN}",
        help="of every run (default: what the plan says, else auto)",
    )
    parser.add_argument(
        "--results-dir",
        metavar="DIR",
        help="parent of the run folders (default: what the plan says)",
    )
    parser.add_argument(
        "--data-dir", metavar="DIR", help="folder of the converted data, if not Fuel's"
    )
    parser.add_argument(
        "--threads",
        type=count,
        metavar="N",
        help="of each run (default: the cores here, divided by --jobs; with --profile, "
        "1)",
    )
    cluster = parser.add_argument_group("on a cluster (docs/WORKFLOW.md)")
    cluster.add_argument(
        "--profile",
        metavar="DIR",
        help="Snakemake's profile, such as workflow/profiles/slurm. Partition, "
        "account, GPU, time and memory of a job are a line each in its job.sh, or in "
        "the environment SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_GRES, "
        "SBATCH_TIMELIMIT, SBATCH_MEM_PER_NODE",
    )
    cluster.add_argument(
        "--image",
        metavar="IMAGE",
        help="the image or image file that the runs are done in",
    )
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    more = []
    if "--" in arguments:
        split = arguments.index("--")
        arguments, more = arguments[:split], arguments[split + 1 :]
    options = parser.parse_args(arguments)
    options.snakemake = more
    if not options.profile:
        options.jobs = options.jobs or 1
    return options
