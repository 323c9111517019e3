"""The questions of the course for a learning platform: GIFT, and QTI 2.1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO
from xml.etree import ElementTree
from zipfile import ZipFile, ZipInfo

from stateviz.course.bank import Question

_GIFT_MARKS = re.compile(r"([~=#{}:\\])")
_QTI = "http://www.imsglobal.org/xsd/imsqti_v2p1"
_PACKAGE = "http://www.imsglobal.org/xsd/imscp_v1p1"
_MATCH_CORRECT = "http://www.imsglobal.org/question/qti_v2p1/rptemplates/match_correct"
_MADE = (2017, 1, 1, 0, 0, 0)  # the same bytes each time


def gift(asked: Mapping[str, Question]) -> str:
    r"""The questions in Moodle's GIFT, each with the feedback on each option.

    Format: https://docs.moodle.org/en/GIFT_format

    Example:
        >>> print(gift({"0.1": Question("1 + 1 = ?", {"2": "Yes.", "11": "Joined."}, "2")}))
        ::0.1:: [plain]1 + 1 \= ? {
          =2#Yes.
          ~11#Joined.
        }
        <BLANKLINE>
    """
    return "\n".join(_one_in_gift(name, question) for name, question in asked.items())


def _one_in_gift(name: str, question: Question) -> str:
    lines = [f"::{name}:: [plain]{_escaped(question.question)} {{"]
    for option, feedback in question.options.items():
        sign = "=" if option == question.answer else "~"
        lines.append(f"  {sign}{_escaped(option)}#{_escaped(feedback)}")
    return "\n".join([*lines, "}", ""])


def _escaped(text: str) -> str:
    return _GIFT_MARKS.sub(r"\\\1", " ".join(text.split()))


def qti(asked: Mapping[str, Question]) -> bytes:
    """The questions as a QTI 2.1 package: a zip of a manifest and a file for each question.

    Format: https://www.imsglobal.org/question/qtiv2p1/imsqti_implv2p1.html
    """
    ElementTree.register_namespace("", _QTI)
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr(ZipInfo("imsmanifest.xml", _MADE), _manifest(asked))
        for name, question in asked.items():
            archive.writestr(ZipInfo(_file(name), _MADE), _item(name, question))
    return packed.getvalue()


def _file(name: str) -> str:
    return f"{_identifier(name)}.xml"


def _identifier(name: str) -> str:
    return "q" + name.replace(".", "_")


def _item(name: str, question: Question) -> bytes:
    """One question, with its options, the right one, and a feedback for each."""
    item = ElementTree.Element(f"{{{_QTI}}}assessmentItem")
    item.attrib.update(
        identifier=_identifier(name), title=name, adaptive="false", timeDependent="false"
    )
    places = {option: f"o{place}" for place, option in enumerate(question.options)}
    response = _under(
        item,
        "responseDeclaration",
        identifier="RESPONSE",
        cardinality="single",
        baseType="identifier",
    )
    correct = _under(response, "correctResponse")
    _under(correct, "value").text = places[question.answer]
    _under(
        item,
        "outcomeDeclaration",
        identifier="SCORE",
        cardinality="single",
        baseType="float",
    )
    body = _under(item, "itemBody")
    choice = _under(
        body, "choiceInteraction", responseIdentifier="RESPONSE", shuffle="true", maxChoices="1"
    )
    _under(choice, "prompt").text = question.question
    for option, feedback in question.options.items():
        shown = _under(choice, "simpleChoice", identifier=places[option])
        shown.text = option
        said = _under(
            shown,
            "feedbackInline",
            outcomeIdentifier="RESPONSE",
            identifier=places[option],
            showHide="show",
        )
        said.text = feedback
    _under(item, "responseProcessing", template=_MATCH_CORRECT)
    return _as_bytes(item)


def _manifest(asked: Mapping[str, Question]) -> bytes:
    manifest = ElementTree.Element("manifest", xmlns=_PACKAGE, identifier="stateviz")
    metadata = ElementTree.SubElement(manifest, "metadata")
    ElementTree.SubElement(metadata, "schema").text = "QTIv2.1 Package"
    ElementTree.SubElement(metadata, "schemaversion").text = "1.0.0"
    ElementTree.SubElement(manifest, "organizations")
    resources = ElementTree.SubElement(manifest, "resources")
    for name in asked:
        resource = ElementTree.SubElement(
            resources,
            "resource",
            identifier=f"r_{_identifier(name)}",
            type="imsqti_item_xmlv2p1",
            href=_file(name),
        )
        ElementTree.SubElement(resource, "file", href=_file(name))
    return _as_bytes(manifest)


def _under(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, f"{{{_QTI}}}{tag}", attributes)


def _as_bytes(root: ElementTree.Element) -> bytes:
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text
