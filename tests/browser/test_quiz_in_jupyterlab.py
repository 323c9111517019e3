"""A prediction in JupyterLab: what was answered stays when the notebook is saved and opened."""

from __future__ import annotations

import json

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Lab

NAME = "predicting.ipynb"
QUIZ = """
import stateviz
quiz = stateviz.course.Prediction(
    "What comes after one?",
    {"Two": "It does.", "Three": "You have left one out."},
    answer="Two",
)
quiz
"""
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


def save(page: Page, lab: Lab) -> str:
    """Saves the notebook, and returns the HTML of the quiz in the file."""
    page.keyboard.press("Escape")
    with page.expect_response(
        lambda response: response.request.method == "PUT" and NAME in response.url
    ):
        page.keyboard.press("Control+s")
    expect(page.locator(".jp-Document .jp-mod-dirty")).to_have_count(0)
    cell = json.loads((lab.notebooks / NAME).read_text())["cells"][0]
    [output] = [output for output in cell["outputs"] if "data" in output]
    return "".join(output["data"]["text/html"])


def test_what_was_answered_stays_in_the_file(chromium: Browser, jupyterlab: Lab) -> None:
    notebook = new_notebook(cells=[new_code_cell(QUIZ)], metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, jupyterlab.notebooks / NAME)
    page = jupyterlab.open(chromium, NAME)
    jupyterlab.run_all(page)
    quiz = page.locator(".stateviz-quiz").first
    assert "What was predicted here" not in save(page, jupyterlab)

    quiz.get_by_text("Three").click()
    quiz.get_by_role("button", name="Commit my prediction").click()
    expect(quiz).to_contain_text("Not quite. You have left one out.")
    wrong = save(page, jupyterlab)
    assert "Not quite.</b> You have left one out." in wrong
    assert "It does." not in wrong

    quiz.get_by_role("button", name="Try again").click()
    quiz.get_by_text("Two").click()
    quiz.get_by_role("button", name="Commit my prediction").click()
    expect(quiz).to_contain_text("Right. It does.")
    assert "Right.</b> It does." in save(page, jupyterlab)
    page.context.close()

    again = jupyterlab.open(chromium, NAME)
    still = again.locator(".jp-OutputArea-output").first
    expect(still).to_contain_text("Not quite. You have left one out.")
    expect(still).to_contain_text("Right. It does.")
    again.context.close()
