"""A scripted student of a JupyterHub, who says to it what a browser says."""

from __future__ import annotations

import json
import pwd
import re
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
import websocket

LESSON = "course/00_when_does_keras_reset.ipynb"
_PATIENCE_S = 300
_MOST_CONNECTIONS = 5
_PREDICTION = 'from stateviz.course import ask\nask("0.1")'
_TRAINING = """
import keras
import stateviz
from stateviz.course import co2_lanes

X, y = co2_lanes(samples=1000, timesteps=20, batch_size=200)
lstm = keras.layers.LSTM(8, name="lstm")
model = keras.Sequential([keras.Input(batch_shape=(200, 20, 1)), lstm, keras.layers.Dense(1)])
model.compile("adam", "mse")
with stateviz.record(model) as recording:
    model.fit(X, y, batch_size=200, epochs=15, shuffle=False, verbose=0)
print(recording.resets().state_tensors_zeroed)
"""


class Student:
    """One of the class.

    Args:
        name: The account.
        password: Its password.
        port: Of the proxy.

    Attributes:
        connections_lost: How often the connection to the kernel broke while a cell ran.
    """

    def __init__(self, name: str, password: str, port: int) -> None:
        self.name = name
        self._password = password
        self._at = f"http://127.0.0.1:{port}"
        self._mine = f"{self._at}/user/{name}"
        self._session = requests.Session()
        self._socket: Any = None
        self._notebook: dict[str, Any] = {}
        self._wrote: list[str] = []
        self._committed = ""
        self._kernel = ""
        self.connections_lost = 0

    def open(self) -> float:
        """Logs in and opens the lesson as the page does; gives the seconds that it took."""
        began = time.monotonic()
        page = self._patiently(self._door)
        form = {"username": self.name, "password": self._password}
        form["_xsrf"] = self._session.cookies.get("_xsrf", path="/hub/") or ""
        answer = self._session.post(page.url, data=form, timeout=_PATIENCE_S)
        answer.raise_for_status()
        self._session.get(f"{self._at}/hub/spawn", timeout=_PATIENCE_S)
        lab = self._patiently(self._lab)
        # What a browser loads before anything is seen.
        for script in re.findall(r'src="([^"]+\.js[^"]*)"', lab.text):
            self._session.get(self._at + script, timeout=_PATIENCE_S).raise_for_status()
        self._notebook = self._asked("GET", f"contents/{LESSON}").json()["content"]
        assert len(self._notebook["cells"]) > 20
        return time.monotonic() - began

    def predict(self) -> float:
        """Starts the kernel and commits a prediction, as a click does; gives the seconds."""
        began = time.monotonic()
        kernel = {"name": "python3"}
        asked = {"path": LESSON, "name": "", "type": "notebook", "kernel": kernel}
        session = self._asked("POST", "sessions", json=asked).json()
        self._kernel = session["kernel"]["id"]
        widgets = self._run(_PREDICTION)
        choice = next(each for each, state in widgets.items() if "RadioButtonsModel" in state)
        button = next(each for each, state in widgets.items() if "Commit my prediction" in state)
        update = {"method": "update", "state": {"index": 1}, "buffer_paths": []}
        self._tell(choice, update)
        html = self._tell(button, {"method": "custom", "content": {"event": "click"}})
        assert "not revealed yet" in html, html[:300]
        self._committed = html
        cell = next(each for each in self._notebook["cells"] if each["source"] == 'ask("0.1")')
        cell["outputs"] = [
            {"output_type": "display_data", "data": {"text/html": html}, "metadata": {}}
        ]
        return time.monotonic() - began

    def write(self, words: str) -> None:
        """Writes a cell."""
        self._wrote.append(words)
        cell = {"cell_type": "markdown", "id": uuid.uuid4().hex[:8], "metadata": {}}
        self._notebook["cells"].append({**cell, "source": words})

    def save(self) -> None:
        """Saves the lesson."""
        saved = {"type": "notebook", "format": "json", "content": self._notebook}
        self._asked("PUT", f"contents/{LESSON}", json=saved)

    def save_at_last(self) -> int:
        """Saves as often as it takes; gives how often."""
        for tries in range(1, _PATIENCE_S):
            try:
                self.save()
            except requests.RequestException:
                time.sleep(1)
            else:
                return tries
        raise TimeoutError(f"{self.name} could not save.")

    def train(self) -> None:
        """Runs a fit of the lesson."""
        self._socket = None  # that of before was the fallen proxy's
        self._run(_TRAINING)

    def still_knows(self) -> bool:
        """Whether the kernel that was there before the hub fell is there and knows its names."""
        self._socket = None
        return "ask" in self._printed("print('ask' * ('ask' in dir()))")

    def missing_on_disk(self) -> list[str]:
        """What the student wrote or committed, and the file does not have."""
        file = Path(pwd.getpwnam(self.name).pw_dir) / LESSON
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        there = {"".join(cell["source"]) for cell in cells}
        shown = {
            "".join(output["data"].get("text/html", ""))
            for cell in cells
            for output in cell.get("outputs", ())
            if "data" in output
        }
        lost = [f"{self.name}: {words}" for words in self._wrote if words not in there]
        return lost + [f"{self.name}: a prediction"] * (self._committed not in shown)

    def page_of(self, name: str) -> requests.Response:
        """Opens another's server."""
        return self._session.get(f"{self._at}/user/{name}/lab", timeout=60)

    def _door(self) -> requests.Response:
        answer = self._session.get(f"{self._at}/hub/login", timeout=60)
        if answer.status_code != 200:  # the proxy is there before the hub
            raise requests.ConnectionError(str(answer.status_code))
        return answer

    def _lab(self) -> requests.Response:
        answer = self._session.get(f"{self._mine}/lab/tree/{LESSON}", timeout=_PATIENCE_S)
        if not answer.url.startswith(self._mine) or answer.status_code != 200:
            raise requests.ConnectionError(f"{answer.status_code} at {answer.url}")
        return answer

    def _patiently(self, ask: Callable[[], requests.Response]) -> requests.Response:
        end = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return ask()
            except requests.ConnectionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    def _asked(self, method: str, place: str, **what: Any) -> requests.Response:
        token = self._session.cookies.get("_xsrf", path=f"/user/{self.name}/") or ""
        answer = self._session.request(
            method,
            f"{self._mine}/api/{place}",
            headers={"X-XSRFToken": token},
            timeout=_PATIENCE_S,
            allow_redirects=False,
            **what,
        )
        answer.raise_for_status()
        if answer.is_redirect:
            raise requests.ConnectionError(f"{place} leads to {answer.headers['Location']}")
        return answer

    def _connect(self) -> None:
        cookies = "; ".join(
            f"{each.name}={each.value}"
            for each in self._session.cookies
            if each.path.startswith(("/user", "/hub")) or each.path == "/"
        )
        place = f"{self._mine.replace('http', 'ws', 1)}/api/kernels/{self._kernel}/channels"
        self._socket = websocket.create_connection(place, cookie=cookies, timeout=_PATIENCE_S)

    def _send(self, kind: str, content: dict[str, Any]) -> str:
        head = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "username": "", "session": self.name}
        message = {
            "header": {**head, "date": "", "version": "5.3"},
            "parent_header": {},
            "metadata": {},
            "content": content,
            "channel": "shell",
            "buffers": [],
        }
        self._socket.send(json.dumps(message))
        return head["msg_id"]

    def _heard(self, asked: str) -> list[dict[str, Any]]:
        """All that came of a message until the kernel was idle again."""
        heard = []
        while True:
            said = self._socket.recv()
            message = json.loads(said if isinstance(said, str) else json_in(said))
            if message["parent_header"].get("msg_id") != asked:
                continue
            heard.append(message)
            if message["msg_type"] == "error":
                raise RuntimeError("\n".join(message["content"]["traceback"]))
            if message["content"].get("execution_state") == "idle":
                return heard

    def _execute(self, code: str) -> list[dict[str, Any]]:
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        for _ in range(_MOST_CONNECTIONS):
            try:
                if self._socket is None:
                    self._connect()
                return self._heard(self._send("execute_request", content))
            except (websocket.WebSocketException, OSError):
                # As JupyterLab does; the cell is run again.
                self._socket = None
                self.connections_lost += 1
                time.sleep(1)
        raise TimeoutError(f"{self.name} could not run a cell.")

    def _run(self, code: str) -> dict[str, str]:
        """Runs a cell; gives the widgets that it made, their state as text."""
        return {
            each["content"]["comm_id"]: json.dumps(each["content"]["data"])
            for each in self._execute(code)
            if each["msg_type"] == "comm_open"
        }

    def _printed(self, code: str) -> str:
        heard = self._execute(code)
        return "".join(each["content"]["text"] for each in heard if each["msg_type"] == "stream")

    def _tell(self, widget: str, data: dict[str, Any]) -> str:
        """Tells a widget something; gives the HTML that the cell shows after it."""
        heard = self._heard(self._send("comm_msg", {"comm_id": widget, "data": data}))
        shown = [
            each["content"]["data"]["text/html"]
            for each in heard
            if each["msg_type"] == "update_display_data"
        ]
        return shown[-1] if shown else ""


def json_in(message: bytes) -> str:
    """The text of a message that has buffers behind it."""
    count = int.from_bytes(message[:4], "big")
    ends = [int.from_bytes(message[4 * place : 4 * place + 4], "big") for place in range(1, 3)]
    return message[ends[0] : ends[1] if count > 1 else None].decode()
