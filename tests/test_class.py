"""The class on one machine: its settings, its steps, and that a loss would be seen."""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from traitlets.config import Config

from benchmarks.class_attacks import ATTACKS
from benchmarks.class_of_thirty import Told, written
from benchmarks.student import LESSON, Student, json_in
from tools.course_environment import REPOSITORY

CLASS = REPOSITORY / "docs" / "class"


class _Spawner:
    """What the class's spawner builds upon, where the hub is not installed."""

    _server: Any = None

    async def start(self) -> tuple[str, int]:
        return "127.0.0.1", 80

    def get_args(self) -> list[str]:
        return ["first"]

    def get_env(self) -> dict[str, str]:
        return {"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:80"}

    @property
    def server(self) -> Any:
        return self._server

    @server.setter
    def server(self, server: Any) -> None:
        self._server = server


def read_settings(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Config:
    """Reads the hub's settings as JupyterHub does; what they set for the process is put back."""
    monkeypatch.setenv("CLASS_FOLDER", str(folder))
    monkeypatch.setenv("CLASS_IDLE_S", "30")
    config = Config()
    monkeypatch.setattr("builtins.get_config", lambda: config, raising=False)
    systemd = SimpleNamespace(SystemdSpawner=_Spawner)
    monkeypatch.setitem(sys.modules, "systemdspawner", systemd)
    runpy.run_path(str(CLASS / "jupyterhub_config.py"))
    return config


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Config:
    return read_settings(monkeypatch, tmp_path)


def test_a_hub_that_ends_leaves_the_students_alone(settings: Config, tmp_path: Path) -> None:
    assert settings.JupyterHub.cleanup_servers is False
    for kept in (settings.JupyterHub.db_url, settings.JupyterHub.cookie_secret_file):
        assert str(tmp_path) in kept


def test_idle_kernels_end_and_the_lab_is_that_of_the_course(settings: Config) -> None:
    arguments = settings.Spawner.args
    assert "--MappingKernelManager.cull_idle_timeout=30" in arguments
    [config] = [each.partition("=")[2] for each in arguments if each.startswith("--config=")]
    assert Path(config).is_file()
    assert settings.Spawner.environment["STATEVIZ_CLASS_MODE"] == "1"
    lesson = settings.Spawner.default_url.removeprefix("/lab/tree/course/")
    assert (REPOSITORY / "notebooks" / lesson).is_file()


def test_what_the_hub_writes_is_its_own(settings: Config, tmp_path: Path) -> None:
    assert settings
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    (tmp_path / "database").touch()
    assert (tmp_path / "database").stat().st_mode & 0o077 == 0


def test_a_server_listens_on_a_socket_and_no_port(settings: Config) -> None:
    spawner = settings.JupyterHub.spawner_class()
    spawner.unit_name = "jupyter-alice-singleuser"
    address = "http+unix://%2Frun%2Fjupyter-alice-singleuser%2Fserver.sock"
    assert asyncio.run(spawner.start()) == address
    assert spawner.get_env()["JUPYTERHUB_SERVICE_URL"] == address
    assert spawner.get_args()[-1] == "--ServerApp.sock=/run/jupyter-alice-singleuser/server.sock"
    # JupyterHub keeps an address and a port, and would give the proxy both.
    spawner.server = SimpleNamespace(proto="http+unix", ip="%2frun%2fa.sock", port=80)
    assert spawner.server.connect_url == "http+unix://%2frun%2fa.sock"


@pytest.mark.parametrize("host", ["", "class.example.org"])
def test_nobody_opens_anothers_server_on_one_origin(
    host: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLASS_HOST", host)
    settings = read_settings(monkeypatch, tmp_path)
    [role] = settings.JupyterHub.load_roles
    assert ("access:servers" in role["scopes"]) == bool(host)
    assert not {"admin:users", "admin:servers"} & set(role["scopes"])
    assert "admin_users" not in settings.Authenticator
    assert ("No CLASS_HOST" in capsys.readouterr().out) == (not host)


@pytest.mark.parametrize(
    ("mode", "text", "words"),
    [
        (0o644, "eve:secret", "chmod 600"),
        (0o640, "eve:secret", "chmod 600"),
        (0o600, "eve", "name:password"),
        (0o600, "Eve Smith:secret", "name:password"),
        (0o600, "", "name:password"),
    ],
)
def test_no_account_is_made_from_a_file_that_is_not_safe_or_not_right(
    mode: int, text: str, words: str, tmp_path: Path
) -> None:
    if os.geteuid():
        pytest.skip("the file must be root's")
    file = tmp_path / "students.txt"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    command = ["sh", str(CLASS / "accounts.sh"), str(file), "python"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert file.exists()


def test_the_page_names_what_is_there() -> None:
    page = (CLASS / "README.md").read_text(encoding="utf-8")
    for script in ("accounts.sh", "autograde.sh"):
        subprocess.run(["sh", "-n", CLASS / script], check=True)
        assert f"sh docs/class/{script}" in page
    assert "docs/class/stateviz-class.service" in page
    for setting in ("CLASS_HOST", "CLASS_CERT", "CLASS_KEY"):
        assert f"{setting}=" in page
    attacks = {attack.__name__ for attack in ATTACKS}
    assert len(attacks) == len(ATTACKS) >= 10


@pytest.fixture
def student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Student:
    """A student who committed a prediction and wrote a cell, and whose home is a folder."""
    monkeypatch.setattr("pwd.getpwnam", lambda _: SimpleNamespace(pw_dir=str(tmp_path)))
    each: Any = Student("student00", "", 8000)
    each._notebook = {"cells": []}
    each._committed = "<p>mine</p>"
    each.write("words")
    (tmp_path / LESSON).parent.mkdir()
    return each  # type: ignore[no-any-return]


def test_what_is_not_in_the_file_is_lost(student: Student, tmp_path: Path) -> None:
    (tmp_path / LESSON).write_text(json.dumps({"cells": []}), encoding="utf-8")
    assert student.missing_on_disk() == ["student00: words", "student00: a prediction"]


def test_what_is_in_the_file_is_kept(student: Student, tmp_path: Path) -> None:
    outputs = [{"data": {"text/html": ["<p>", "mine</p>"]}}]
    cells = [{"source": "words"}, {"source": ["ask(", '"0.1")'], "outputs": outputs}]
    (tmp_path / LESSON).write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert student.missing_on_disk() == []


def test_the_page_says_what_was_lost() -> None:
    sizes = [{"server": 100.0, "kernel": 70.0}]
    told = Told(1, opened=[2], predicted=[3], idle=sizes, training=sizes, lost=["a: words"])
    assert "or had in a kernel | a: words |" in written(told)
    told.lost = []
    assert "or had in a kernel | nothing |" in written(told)


def test_a_message_with_buffers_has_its_text_first() -> None:
    text = b'{"a": 1}'
    ends = [12, 12 + len(text)]
    head = b"".join(number.to_bytes(4, "big") for number in (2, *ends))
    assert json_in(head + text + b"buffer") == text.decode()
