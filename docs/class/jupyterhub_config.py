"""JupyterHub that gives thirty students the course on one small machine; see README.md beside it.

CLASS_FOLDER     what the hub keeps: who is logged in, and whose server is where
CLASS_PORT       where students come in
CLASS_IDLE_S     after how many idle seconds a kernel is ended; its notebook stays as it is
"""

import os
import pwd
import sys
from pathlib import Path

c = get_config()  # noqa: F821 - JupyterHub gives it

folder = Path(os.environ.get("CLASS_FOLDER", "/srv/class"))
port = int(os.environ.get("CLASS_PORT", "8000"))
idle_s = int(os.environ.get("CLASS_IDLE_S", "600"))
here = Path(sys.executable).parent
repository = Path(__file__).resolve().parents[2]

# What must outlive the hub: who is logged in, and whose server is where.
c.JupyterHub.db_url = f"sqlite:///{folder / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(folder / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(folder / "proxy.pid")
c.JupyterHub.cleanup_servers = False  # a hub that ends leaves the students' servers alone
c.JupyterHub.bind_url = f"http://:{port}"
c.JupyterHub.hub_port = port + 81
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 1}"

# The accounts of the machine (accounts.sh) are those of the class.
c.JupyterHub.authenticator_class = "pam"
c.LocalAuthenticator.allowed_groups = {"students"}
c.Authenticator.admin_users = {"teacher"}
c.JupyterHub.load_roles = [
    {
        "name": "teacher",
        "scopes": ["admin-ui", "admin:users", "admin:servers", "access:servers"],
        "users": ["teacher"],
    }
]

c.JupyterHub.spawner_class = "localprocess"
# A class comes in all at once. With a limit, who is over it is sent away with an error.
c.JupyterHub.concurrent_spawn_limit = 0
c.Spawner.cmd = [str(here / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab/tree/course/00_when_does_keras_reset.ipynb"
c.Spawner.http_timeout = c.Spawner.start_timeout = 300
c.Spawner.args = [
    f"--config={repository / 'tools' / 'jupyter_server_config.py'}",  # as `make lab` does
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


def own_port(spawner):
    """Gives each student a port that nobody else takes.

    A port that was free when the hub looked is taken, when thirty servers and their kernels start
    at once, before the server is there; a student then meets another's server. These lie below
    those that Linux gives away.
    """
    spawner.port = 10_000 + pwd.getpwnam(spawner.user.name).pw_uid % 20_000


c.Spawner.pre_spawn_hook = own_port
