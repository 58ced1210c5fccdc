"""A real SLURM on one machine, of Debian's packages, without systemd: two nodes.

It lives in namespaces of its own, which `enter` makes: the machine's /etc, /run,
network and host name stay as they are, and when the namespace of processes ends, for
whatever reason, the kernel ends every daemon and job in it. A node is one more such
namespace, with a host name and a /tmp of its own, so that it can lose its power.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

PROGRAMS = "munged slurmctld slurmd slurmdbd mariadbd mariadb-install-db unshare ip"
PACKAGES = "slurmctld slurmd slurmdbd slurm-client munge mariadb-server iproute2"
NAMESPACES = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child"]
NAMESPACES += ["--mount-proc"]
NODES = ("node1", "node2")
PLACE = Path("/run/reproduce-slurm")  # seen by those inside only
SHARED = PLACE / "shared"  # a disk that all nodes see
SHARED_MB = 64
TMP_MB = 64  # the room in a node's /tmp
NODE_TIMEOUT = 10  # seconds without a word after which a node is down
ACCOUNT = "thesis"

SLURM = """\
ClusterName=reproduce
SlurmctldHost=login(10.0.0.1)
SlurmUser=root
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/%n.pid
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/%n
AuthType=auth/munge
# So long does a job that lost its node wait before it starts again.
AuthInfo=cred_expire={node_timeout}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdTimeout={node_timeout}
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=node1 NodeAddr=10.0.0.1 Port=7001 CPUs=1
NodeName=node2 NodeAddr=10.0.0.1 Port=7002 CPUs=1
PartitionName=main Nodes=node1,node2 Default=YES MaxTime=60 State=UP
"""
ACCOUNTING = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=10.0.0.1
AccountingStorageEnforce=associations
"""
SLURMDBD = """\
AuthType=auth/munge
DbdHost=login
DbdAddr=10.0.0.1
SlurmUser=root
PidFile={place}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
"""
HOSTS = "127.0.0.1 localhost\n10.0.0.1 login node1 node2\n"


def lacks():
    """What this machine lacks, in a sentence; None where it lacks nothing."""
    if os.geteuid():
        return "needs root"
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    none = [name for name in PROGRAMS.split() if not shutil.which(name, path=path)]
    if none:
        return f"there is no {', '.join(none)}: apt-get install {PACKAGES}"
    if not succeeds(*NAMESPACES, "mount", "-t", "tmpfs", "tmpfs", "/run"):
        return (
            "root may make no namespaces or mount nothing here, as in most containers"
        )
    return None


def enter(words):
    """Run a program in namespaces of its own; return its exit status.

    Whatever ends this process ends all that is inside.
    """
    # `sh` has number 1 in there and buries what others leave behind.
    command = ["setpriv", "--pdeathsig", "KILL", *NAMESPACES, "--net"]
    process = subprocess.Popen([*command, "sh", "-c", '"$@"; exit $?', "sh", *words])
    try:
        return process.wait()
    finally:
        process.kill()
        process.wait()


def wait_for(condition, what, seconds=60):
    """Ask until something is so.

    Raises
    ------
    TimeoutError
        With the words of `what`, if it does not become so.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"after {seconds} seconds: not {what}")
        time.sleep(0.2)


def succeeds(*command):
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


def mount_memory(folder, options):
    subprocess.check_call(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder])


def output(*command):
    return subprocess.check_output(command, encoding="utf-8")


class Cluster:
    """The daemons; to be used inside of `enter`.

    Parameters
    ----------
    logs : Path
        The folder for what the daemons say.
    accounting : bool
        Whether there is a data base of accounts, and an account is needed.
    """

    def __init__(self, logs, accounting):
        self.logs, self.accounting = logs, accounting
        self.daemons = {}
        self.unique = secrets.token_hex(3)

    def __enter__(self):
        os.environ["PATH"] += ":/usr/sbin:/sbin"
        subprocess.check_call(["hostname", "login"])
        # SLURM looks up no name on a machine that has none but loopback's addresses.
        subprocess.check_call(["ip", "link", "set", "lo", "up"])
        subprocess.check_call(["ip", "address", "add", "10.0.0.1", "dev", "lo"])
        for folder in ("/run", "/etc/slurm"):
            os.makedirs(folder, exist_ok=True)
            mount_memory(folder, "mode=755")
        for folder in ("munge", "mysqld"):
            os.mkdir(f"/run/{folder}", 0o755)
        for folder in ("state", "mysql", *NODES):
            (PLACE / folder).mkdir(parents=True)
        (PLACE / "hosts").write_text(HOSTS)
        subprocess.check_call(["mount", "--bind", PLACE / "hosts", "/etc/hosts"])
        SHARED.mkdir()
        mount_memory(SHARED, f"size={SHARED_MB}m")
        words = {"place": PLACE, "node_timeout": NODE_TIMEOUT}
        said = SLURM + (ACCOUNTING if self.accounting else "")
        Path("/etc/slurm/slurm.conf").write_text(said.format(**words))
        self._munge()
        if self.accounting:
            self._accounting(SLURMDBD.format(**words))
        self.mend()
        return self

    def __exit__(self, *error):
        for name in list(self.daemons):
            self.kill(name)
        for folder in ("/etc/hosts", "/etc/slurm", "/run"):
            subprocess.check_call(["umount", "--lazy", folder])
        subprocess.check_call(["ip", "address", "delete", "10.0.0.1/32", "dev", "lo"])

    def _munge(self):
        key = PLACE / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        words = ["munged", "--foreground", "--force", f"--key-file={key}"]
        self._daemon("munged", words)
        wait_for(lambda: succeeds("munge", "-n"), "munge at work")

    def _accounting(self, settings):
        data = [f"--datadir={PLACE / 'mysql'}", "--user=root"]
        subprocess.check_call(
            ["mariadb-install-db", "--no-defaults", *data, "--skip-test-db"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        words = ["mariadbd", "--no-defaults", *data, "--skip-networking"]
        words += ["--skip-grant-tables", "--socket=/run/mysqld/mysqld.sock"]
        self._daemon("mariadbd", words)
        wait_for(lambda: succeeds("mariadb-admin", "ping"), "MariaDB at work")
        path = Path("/etc/slurm/slurmdbd.conf")
        path.write_text(settings)
        path.chmod(0o600)
        self.start("slurmdbd")
        add = ["sacctmgr", "-i", "add"]
        wait_for(lambda: succeeds(*add, "cluster", "reproduce"), "slurmdbd at work")
        subprocess.check_output([*add, "account", ACCOUNT])
        subprocess.check_output([*add, "user", "root", f"account={ACCOUNT}"])

    def _daemon(self, name, command):
        with open(self.logs / f"{name}.log", "ab") as log:
            self.daemons[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def start(self, name):
        """Start slurmctld, slurmdbd or a node."""
        command = [name, "-D"]
        if name in NODES:
            # By host name and number of process a lock of Theano's knows who has it.
            script = f"hostname {name}-{self.unique} && "
            script += f"mount -t tmpfs -o size={TMP_MB}m tmpfs /tmp && "
            script += f"slurmd -D -N {name}; while :; do sleep 1; done"
            command = [*NAMESPACES, "sh", "-c", script]
        self._daemon(name, command)

    def kill(self, name):
        """End a daemon, or a node with all that runs on it, without a warning."""
        process = self.daemons.pop(name)
        process.kill()
        process.wait()

    def mend(self):
        """End all jobs, and start what does not run."""
        for name in ("slurmctld", *NODES):
            if name not in self.daemons:
                self.start(name)
        wait_for(lambda: succeeds("scancel", "--user=root"), "slurmctld at work")
        succeeds("scontrol", "update", "node=node[1-2]", "state=resume")
        wait_for(lambda: self.idle() == len(NODES), "two idle nodes", 120)

    def root(self, node):
        """What a node's first process has as `/`, and the number of that process."""
        process = output("pgrep", "-P", str(self.daemons[node].pid)).strip()
        return Path("/proc", process, "root"), process

    def kill_slurmd(self, node):
        """End the slurmd of a node, and none of its jobs."""
        found = output("pgrep", "-P", self.root(node)[1], "-x", "slurmd")
        os.kill(int(found), signal.SIGKILL)

    def idle(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            return output("sinfo", "-hN", "-t", "idle", "-o", "%N").count("node")
        return 0

    def jobs(self, form="%i"):
        """The jobs that wait or run, as `squeue` has them in this form."""
        return output("squeue", "-h", "-o", form).splitlines()
