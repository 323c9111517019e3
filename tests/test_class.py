"""The class on one machine: its settings, its steps, and that a loss would be seen."""

from __future__ import annotations

import json
import pwd
import re
import runpy
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from traitlets.config import Config

from benchmarks.class_of_thirty import Told, written
from benchmarks.student import LESSON, Student, json_in
from tools.course_environment import REPOSITORY

CLASS = REPOSITORY / "docs" / "class"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("CLASS_FOLDER", "/srv/somewhere")
    monkeypatch.setenv("CLASS_IDLE_S", "30")
    config = Config()
    monkeypatch.setattr("builtins.get_config", lambda: config, raising=False)
    runpy.run_path(str(CLASS / "jupyterhub_config.py"))
    return config


def test_a_hub_that_ends_leaves_the_students_alone(settings: Config) -> None:
    assert settings.JupyterHub.cleanup_servers is False
    for kept in (settings.JupyterHub.db_url, settings.JupyterHub.cookie_secret_file):
        assert "/srv/somewhere" in kept
    assert "KillMode=process" in (CLASS / "stateviz-class.service").read_text(encoding="utf-8")


def test_idle_kernels_end_and_the_lab_is_that_of_the_course(settings: Config) -> None:
    arguments = settings.Spawner.args
    assert "--MappingKernelManager.cull_idle_timeout=30" in arguments
    [config] = [each.partition("=")[2] for each in arguments if each.startswith("--config=")]
    assert Path(config).is_file()
    assert settings.Spawner.environment["STATEVIZ_CLASS_MODE"] == "1"
    lesson = settings.Spawner.default_url.removeprefix("/lab/tree/course/")
    assert (REPOSITORY / "notebooks" / lesson).is_file()


def test_each_student_has_a_port_below_those_that_linux_gives_away(settings: Config) -> None:
    name = pwd.getpwuid(0).pw_name
    spawner = SimpleNamespace(user=SimpleNamespace(name=name), port=0)
    settings.Spawner.pre_spawn_hook(spawner)
    assert 10_000 <= spawner.port < 32_768


def test_the_container_takes_the_steps_of_the_page() -> None:
    page = (CLASS / "README.md").read_text(encoding="utf-8")
    steps = (CLASS / "Containerfile").read_text(encoding="utf-8")
    for step in (
        "make install",
        ".venv/bin/pip install -r docs/class/requirements.txt",
        ".venv/bin/pip uninstall --yes rfc3987-syntax",
        "npm install --prefix docs/class",
        "install -d -m 777 /usr/local/share/nbgrader/exchange",
        "jupyterhub -f /opt/stateviz/docs/class/jupyterhub_config.py",
    ):
        assert step in page
        assert step in steps
    [service] = yaml.safe_load((CLASS / "compose.yaml").read_text(encoding="utf-8"))[
        "services"
    ].values()
    assert (CLASS / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    subprocess.run(["sh", "-n", CLASS / "accounts.sh"], check=True)
    for named in re.findall(r"\]\(([\w.-]+)\)", page):
        assert (CLASS / named).is_file()


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
