"""What a curious student tries against the class, on a real JupyterHub.

    sudo python -m benchmarks.class_attacks --hub VENV --proxy FOLDER

VENV has what docs/class/requirements.txt asks for, FOLDER the proxy that npm installed. It needs
root, systemd (benchmarks/with_systemd.sh starts one where there is none), Chromium, and a machine
of its own: it makes Linux accounts and listens on port 80. Each attack says what it got; 1 where
one got anything. The page that makes a token is tried on one web origin too, where nothing
keeps it from it and it has to succeed.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.class_of_thirty import CLASS, Hub
from benchmarks.curious_student import ATTACKER, EXCHANGE, HOST, VICTIM, Attacks

ATTACKS: tuple[Callable[[Attacks], str], ...] = (
    Attacks.passwords_in_a_file,
    Attacks.anothers_place,
    Attacks.anothers_output,
    Attacks.what_the_hub_keeps,
    Attacks.ports_of_the_hub,
    Attacks.still_there_after_the_fall,
    Attacks.beyond_the_limits,
    Attacks.the_exchange,
    Attacks.a_shell_besides,
    Attacks.grading,
)


@contextmanager
def running(parsed: argparse.Namespace, folder: Path, host: str) -> Iterator[Hub]:
    """A hub, with a web origin for each student where it has a host."""
    hub = Hub(parsed.hub, parsed.proxy, folder, host)
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout key.pem -out cert.pem -subj"
    subprocess.run([*make.split(), f"/CN={HOST}"], cwd=folder, check=True, capture_output=True)
    hub.start()
    health = f"{'https' if host else 'http'}://127.0.0.1/hub/health"
    try:
        while subprocess.run(["curl", "-sfko", "/dev/null", health], check=False).returncode:
            assert hub.process
            assert hub.process.poll() is None, "the hub ended"
            time.sleep(0.5)
        yield hub
    finally:
        hub.kill()
        for name in (VICTIM, ATTACKER, "teacher"):
            unit = f"jupyter-{name}-singleuser"
            subprocess.run(["systemctl", "stop", unit], check=False, capture_output=True)
        (folder / "jupyterhub.sqlite").unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    """Tries each attack; 1 where one got something that it must not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.class_attacks")
    parser.add_argument("--hub", type=Path, required=True, help="the hub's environment")
    parser.add_argument("--proxy", type=Path, required=True, help="where npm put the proxy")
    parsed = parser.parse_args(arguments)
    passwords = {name: secrets.token_urlsafe(8) for name in (VICTIM, ATTACKER, "teacher")}
    failed = False

    def told(attack: str, got: str, *, must: bool = False) -> None:
        nonlocal failed
        failed |= bool(got) != must
        print(f"{'ok ' if bool(got) == must else 'BAD'}  {attack:<34} {got[:300] or 'nothing'}")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory() as kept:
        accounts = Path(kept) / "accounts"
        accounts.write_text("".join(f"{a}:{b}\n" for a, b in passwords.items()), encoding="utf-8")
        accounts.chmod(0o600)
        python = parsed.hub / "bin" / "python"
        subprocess.run(["sh", CLASS / "accounts.sh", accounts, python], check=True)
        try:
            with running(parsed, Path(kept), "") as hub:
                attacks = Attacks(hub, passwords)
                for attack in ATTACKS:
                    told(attack.__name__, attack(attacks))
                told("teacher_opens_a_server", attacks.teacher_opens_a_server())
                # On one origin nothing keeps a page from it: hence the warning.
                told("token_by_a_page, one origin", attacks.token_by_a_page(), must=True)
            with running(parsed, Path(kept), HOST) as hub:
                attacks = Attacks(hub, passwords)
                told("token_by_a_page, own origins", attacks.token_by_a_page())
        finally:
            log = Path(kept) / "hub.log"
            if failed or sys.exc_info()[0]:
                print(log.read_text(encoding="utf-8")[-6_000:], file=sys.stderr)
            for name in (*passwords, "eve"):
                subprocess.run(["pkill", "-KILL", "-u", name], check=False)
                subprocess.run(["userdel", "--remove", name], check=False, capture_output=True)
            shutil.rmtree(EXCHANGE, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
