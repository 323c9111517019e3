"""JupyterHub that gives thirty students the course on one small machine; see README.md beside it.

CLASS_FOLDER          what the hub keeps: who is logged in, and whose server is where
CLASS_HOST            the machine's name, where NAME.CLASS_HOST leads to it too: each student's
                      server then has a web origin of its own
CLASS_CERT, CLASS_KEY a certificate for both, and its key
CLASS_PORT            where students come in: 443, or 80 without a certificate
CLASS_IDLE_S          after how many idle seconds a kernel is ended; its notebook stays as it is
"""

import os
import sys
from pathlib import Path
from urllib.parse import quote

from systemdspawner import SystemdSpawner

c = get_config()  # noqa: F821 - JupyterHub gives it

folder = Path(os.environ.get("CLASS_FOLDER", "/srv/class"))
host = os.environ.get("CLASS_HOST", "")
certificate, key = (os.environ.get(name, "") for name in ("CLASS_CERT", "CLASS_KEY"))
port = int(os.environ.get("CLASS_PORT", "443" if certificate else "80"))
idle_s = int(os.environ.get("CLASS_IDLE_S", "600"))
here = Path(sys.executable).parent
repository = Path(__file__).resolve().parents[2]

# What the hub writes, the database of its tokens among it, is root's alone.
os.umask(0o077)
folder.mkdir(parents=True, exist_ok=True)
folder.chmod(0o700)

c.JupyterHub.db_url = f"sqlite:///{folder / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(folder / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(folder / "proxy.pid")
c.JupyterHub.cleanup_servers = False  # a hub that ends leaves the students' servers alone

# Linux keeps ports below 1024 for root: no student can listen there while the hub is away.
c.JupyterHub.hub_port = 808
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:809"
c.JupyterHub.bind_url = f"http{'s' if certificate else ''}://:{port}"
c.JupyterHub.ssl_cert, c.JupyterHub.ssl_key = certificate, key
if not certificate:
    print("No CLASS_CERT: passwords and answers travel readable for all in the network.")

# The accounts of the machine (accounts.sh) are those of the class.
c.JupyterHub.authenticator_class = "pam"
c.LocalAuthenticator.allowed_groups = {"students"}
# The teacher sees who is in, and starts and stops servers: no more, since what takes over the
# teacher's account would have it too.
scopes = ["admin-ui", "list:users", "read:users:activity", "servers"]
if host:
    c.JupyterHub.subdomain_host = f"http{'s' if certificate else ''}://{host}" + (
        "" if port in (80, 443) else f":{port}"
    )
    c.JupyterHub.cookie_host_prefix_enabled = bool(certificate)  # none from a name below
    scopes += ["access:servers"]
else:
    print(
        "No CLASS_HOST: all servers share the hub's web origin. A page of one student that another "
        "opens can act as the other, so nobody gets 'access server'."
    )
c.JupyterHub.load_roles = [{"name": "teacher", "scopes": scopes, "users": ["teacher"]}]


class Spawner(SystemdSpawner):
    """A student's server in a unit of systemd's, which listens on a socket in a folder of its own.

    A port could be taken by another student first; the folder is the student's alone.
    """

    @property
    def socket(self):
        return f"/run/{self.unit_name}/server.sock"

    @property
    def address(self):
        return f"http+unix://{quote(self.socket, safe='')}"

    async def start(self):
        await super().start()
        return self.address

    def get_args(self):
        return [*super().get_args(), f"--ServerApp.sock={self.socket}"]

    def get_env(self):
        kernels = {"JUPYTER_RUNTIME_DIR": f"/run/{self.unit_name}"}
        # Without it the server is given a port too, and refuses to have both.
        return {**super().get_env(), **kernels, "JUPYTERHUB_SERVICE_URL": self.address}

    @property
    def server(self):
        """The server's address, without the port that JupyterHub adds to each."""
        server = SystemdSpawner.server.fget(self)
        if server is not None and server.proto == "http+unix":
            server.connect_url = f"http+unix://{server.ip}"
        return server

    @server.setter
    def server(self, server):
        SystemdSpawner.server.fset(self, server)


c.JupyterHub.spawner_class = Spawner
# Nobody's program takes the whole machine, or sees what others run.
c.Spawner.mem_limit = "2G"
c.Spawner.cpu_limit = 1.0
c.SystemdSpawner.isolate_tmp = True
c.SystemdSpawner.isolate_devices = True
c.SystemdSpawner.disable_user_sudo = True
c.SystemdSpawner.default_shell = "/bin/bash"
c.SystemdSpawner.unit_extra_properties = {
    "TasksMax": "256",
    "MemorySwapMax": "0",
    "ProtectProc": "invisible",
    "ProtectSystem": "full",
    "UMask": "0077",
}
# A class comes in all at once. With a limit, who is over it is sent away with an error.
c.JupyterHub.concurrent_spawn_limit = 0
c.Spawner.cmd = [str(here / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab/tree/course/00_when_does_keras_reset.ipynb"
c.Spawner.http_timeout = c.Spawner.start_timeout = 300
c.Spawner.args = [
    f"--config={repository / 'tools' / 'jupyter_server_config.py'}",  # as `make lab` does
    # Over TCP, whoever has an account could read along what a kernel prints.
    "--KernelManager.transport=ipc",
    # Keras takes half a gigabyte from where a student runs it. An idle kernel gives it back.
    f"--MappingKernelManager.cull_idle_timeout={idle_s}",
    f"--MappingKernelManager.cull_interval={min(60, idle_s)}",
    "--MappingKernelManager.cull_connected=True",
]
c.Spawner.environment = {
    "PYTHONPATH": str(repository),
    "PATH": f"{here}:{os.environ['PATH']}",
    # A prediction is committed first and discussed then: see "class mode" in docs/instructor.md.
    "STATEVIZ_CLASS_MODE": os.environ.get("STATEVIZ_CLASS_MODE", "1"),
    "MALLOC_ARENA_MAX": "1",  # 8 MB less a student
    "MALLOC_TRIM_THRESHOLD_": "65536",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTRAOP_THREADS": "1",  # nobody's training takes the whole machine
    "OMP_NUM_THREADS": "1",
}
