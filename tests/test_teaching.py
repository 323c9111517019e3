"""What a teacher gets: made from the lessons, whole, and read by what it is meant for."""

from __future__ import annotations

import json
import re
import subprocess
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest

from stateviz.course.bank import questions
from tools.course_environment import REPOSITORY
from tools.reading_time import minutes, promised
from tools.regenerate_notebooks import read_notebook
from tools.teaching import papers
from tools.teaching.bank import gift, qti
from tools.teaching.course import Lesson, course
from tools.teaching.handout import ON_THE_PAGE, ORIGINS, handout_page
from tools.teaching.slides import slides, without_addresses

LESSONS = list(course())
MADE = REPOSITORY / "docs" / "instructor"
SPACE = {"q": "http://www.imsglobal.org/xsd/imsqti_v2p1"}

each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=[each.path.stem for each in LESSONS])


@each_lesson
def test_the_minutes_that_are_promised_are_those_of_a_reader_who_reads_all(lesson: Lesson) -> None:
    assert promised(lesson.notebook) == minutes(lesson.notebook)


def test_minutes_count_words_code_animations_questions_and_tasks(lesson: Path) -> None:
    notebook = read_notebook(lesson)
    notebook.cells = notebook.cells[:2]
    text, code = notebook.cells
    text.source = "| Time | 45 minutes |\n\n" + "word " * (200 * 6 - 3)
    code.source = "\n".join(["x = 1"] * 14 + ['check("lanes", x)'])  # a minute, and six
    code.outputs = []
    assert (promised(notebook), minutes(notebook)) == (45, 15)
    code.metadata.jupyter = {"source_hidden": True}
    assert minutes(notebook) == 10


def test_lesson_0_prints_the_route_of_90_minutes() -> None:
    assert any(papers.route(LESSONS) in text for text in LESSONS[0].texts[:3])
    [session] = papers.PLANS["Once 90 minutes"]
    with pytest.raises(ValueError, match="Lesson 2 has no section 'Gone'"):
        LESSONS[2].sections(["Gone"])
    assert {each.partition(".")[0] for each in papers.ARGUED} <= set(map(str, session.parts))


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("matrix.md", papers.matrix(LESSONS)),
        ("plans.md", papers.plans(LESSONS)),
        ("questions.gift", gift(questions())),
    ],
)
def test_what_is_committed_is_what_the_lessons_make(name: str, made: str) -> None:
    assert (MADE / name).read_text(encoding="utf-8") == made, "run `make teaching`"


def test_the_package_of_questions_is_what_the_lessons_make() -> None:
    assert (MADE / "questions-qti.zip").read_bytes() == qti(questions()), "run `make teaching`"


def test_the_matrix_names_every_question_task_and_experiment_of_the_course() -> None:
    from stateviz.course.experiments import EXPERIMENTS
    from stateviz.course.tasks import TASKS

    named = set(re.findall(r"`([\w.]+)`", papers.matrix(LESSONS)))
    assert {*questions(), *EXPERIMENTS, *TASKS} <= named
    assert all(len(each.key_points) == 3 for each in LESSONS)


def test_a_plan_that_is_too_long_for_its_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = {"A day": (papers.Session("All", 60, (0, 1, 2), "much"),)}
    monkeypatch.setattr(papers, "PLANS", plan)
    with pytest.raises(ValueError, match="its lessons take 85 minutes, and it has 60"):
        papers.plans(LESSONS)


def test_every_lesson_stands_in_the_plan_of_a_week() -> None:
    week = papers.PLANS["A week alone"]
    planned = [number for session in week for number in session.lessons]
    assert sorted(planned) == [each.number for each in LESSONS]


def test_a_question_in_qti_holds_its_options_the_right_one_and_why() -> None:
    with ZipFile(BytesIO(qti(questions()))) as archive:
        manifest = ElementTree.fromstring(archive.read("imsmanifest.xml"))
        files = [each.attrib["href"] for each in manifest.iter() if each.tag.endswith("resource")]
        assert sorted(files) == sorted({*archive.namelist()} - {"imsmanifest.xml"})
        items = [ElementTree.fromstring(archive.read(file)) for file in files]
    for item, (name, question) in zip(items, questions().items(), strict=True):
        assert item.attrib["title"] == name
        assert item.findtext(".//q:prompt", namespaces=SPACE) == question.question
        choices = {
            each.attrib["identifier"]: each for each in item.iterfind(".//q:simpleChoice", SPACE)
        }
        assert [each.text for each in choices.values()] == list(question.options)
        right = item.findtext(".//q:correctResponse/q:value", namespaces=SPACE)
        assert choices[str(right)].text == question.answer
        told = [each.findtext("q:feedbackInline", "", SPACE) for each in choices.values()]
        assert told == list(question.options.values())


@pytest.mark.node
def test_a_reader_of_gift_reads_every_question(tmp_path: Path, node: str, page_tools: Path) -> None:
    program = """
import { readFileSync } from "node:fs";
import { parse } from "gift-pegjs";
process.stdout.write(JSON.stringify(parse(readFileSync(process.argv[1], "utf8"))));
"""
    bank = tmp_path / "bank.gift"
    bank.write_text(gift(questions()), encoding="utf-8")
    ran = subprocess.run(
        [node, "--input-type=module", "-e", program, str(bank)],
        cwd=page_tools.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    read = json.loads(ran.stdout)
    assert [each["title"] for each in read] == list(questions())
    for each, question in zip(read, questions().values(), strict=True):
        assert each["stem"]["text"] == question.question
        told = {choice["text"]["text"]: choice["feedback"]["text"] for choice in each["choices"]}
        assert told == {option: " ".join(why.split()) for option, why in question.options.items()}
        [right] = [choice["text"]["text"] for choice in each["choices"] if choice["isCorrect"]]
        assert right == question.answer


def test_the_handout_holds_the_points_of_its_lessons_and_each_origin() -> None:
    page = handout_page(LESSONS)
    assert page.count("<section>") == len(ON_THE_PAGE)
    assert page.count("<li>") == 3 * len(ON_THE_PAGE)
    assert all(f"<th>{origin}</th>" in page for origin in ORIGINS)
    assert "<svg" in page
    assert "counted by row: 5 × 200" in page


def test_the_handout_is_one_page() -> None:
    printed = (MADE / "handout.pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1


def test_style_sheets_fetch_nothing() -> None:
    style = "@import url('a.css');@font-face {\n src: url(b.woff) }\nh1 { color: red }"
    assert without_addresses(style).strip() == "h1 { color: red }"


@pytest.mark.node
@pytest.mark.usefixtures("page_tools")
@each_lesson
def test_the_slides_of_a_lesson_ask_what_it_asks_and_answer_on_the_next(lesson: Lesson) -> None:
    page = slides(lesson)
    assert page.count("<p class='kind'>Predict</p>") == len(lesson.questions)
    assert page.count("<li class='right'>") == len(lesson.questions)
    outputs = [
        output.get("data", {}).get("text/html", "")
        for cell in lesson.notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    ]
    played = sum("data-stateviz" in output for output in outputs)
    assert page.count("<iframe class='played'") == played > 0
    assert not re.search(r"""(?:src|href)=["']https?:|url\(\s*["']?https?:""", page)
