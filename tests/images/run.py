"""Run an image where there is buildah but no container engine, as `docker run` would.

Root's namespaces and chroot do it: the entry point is the first process of its own
process namespace, without a network, and volumes are bind mounts.
"""

import json
import os
import signal
import subprocess
import time

SCRIPT = """
set -e
root=$1 user=$2; shift 2
mount --make-rprivate /
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do
    mount --bind "${1%%:*}" "$root${1#*:}"
    if [ -n "$2" ]; then mount -o "remount,bind,$2" "$root${1#*:}"; fi
    shift 2
done
shift
exec chroot --userspec="$user" "$root" env -i "$@"
"""


class Image:
    """An image and one container made from it.

    Parameters
    ----------
    name : str
    environment : dict of str to str
        With the settings of buildah's storage.
    """

    def __init__(self, name, environment):
        self.name, self.environment = name, environment
        inspected = json.loads(self.buildah("inspect", "--type", "image", name))
        self.history = json.dumps(inspected["OCIv1"].get("history"))
        self.config = inspected["OCIv1"]["config"]
        self.container = self.buildah("from", "--pull-never", name)
        self.root = self.buildah("mount", self.container)

    def buildah(self, *arguments):
        output = subprocess.check_output(["buildah", *arguments], env=self.environment)
        return output.decode().strip()

    def remove(self):
        self.buildah("umount", self.container)
        self.buildah("rm", self.container)

    def start(self, words=(), volumes=(), user=None):
        """Start a container.

        Parameters
        ----------
        words : sequence of str
            What follows the image's name on docker's command line.
        volumes : sequence of (str, str, str)
            Folder here, folder there, and ``ro`` or nothing.
        user : str, optional
            ``UID:GID`` in place of the image's.
        """
        command = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"]
        command += ["sh", "-c", SCRIPT, "sh", self.root, user or self.config["User"]]
        for here, there, option in volumes:
            command += [f"{here}:{there}", option]
        command += ["--", *self.config["Env"], *self.config["Entrypoint"], *words]
        return Running(command)


class Running:
    """A started container, whose output is read line by line."""

    def __init__(self, command):
        self.started = time.monotonic()
        self.lines = []
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def wait_for(self, text):
        """Read lines until one has `text` in it; return whether one did."""
        for line in self.process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip())
            if text is not None and text in self.lines[-1]:
                return True
        return False

    def stop(self, number=signal.SIGTERM):
        """Send a signal to the container's first process, as `docker stop` does."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path) as file:
            os.kill(int(file.read().split()[0]), number)
        self.started = time.monotonic()

    def end(self):
        """Read the rest; return status, output, seconds since start or stop."""
        self.wait_for(None)
        status = self.process.wait()
        return status, "\n".join(self.lines), time.monotonic() - self.started
