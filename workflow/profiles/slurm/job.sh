#!/bin/sh
# The script of each job. What follows works on a plain cluster; where yours wants more,
# take one # from the lines that begin with two. SBATCH_PARTITION, SBATCH_ACCOUNT,
# SBATCH_GRES and so on in the environment of `./reproduce all` beat these lines.
##SBATCH --partition=NAME
##SBATCH --account=NAME
##SBATCH --gres=gpu:1
##SBATCH --time=04:00:00
##SBATCH --mem=8G
#
# A job saves and stops so many seconds before its time is over, and the next goes on.
#SBATCH --signal=B:TERM@120
# After the loss of its node it starts again and goes on.
#SBATCH --requeue
#SBATCH --open-mode=append
#
# properties = {properties}

# Jobs see nothing of your shell. What they need of the nodes is to be said here, such as
#   . /etc/profile; module load gcc
#   export HDF5_USE_FILE_LOCKING=FALSE APPTAINER_BIND=/scratch

# After the loss of a node: where only SLURM has lost it, the first one still runs there.
run=$1
shift
[ -z "$SLURM_RESTART_COUNT" ] || flock "$run/lock" true
exec "$@"
