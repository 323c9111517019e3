"""Runs all of the table, an hour on 2 cores, and writes its page in docs/.

A run that was interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from dataclasses import astuple
from pathlib import Path

import keras

from tests.matrix.configurations import (
    CONFIGURATIONS,
)
from tests.matrix.here import here
from tests.matrix.page import PAGE, SIGNS, SO_FAR, outcomes_of, page, rows_so_far, source_digest
from tools.jax_cache import keeping_what_jax_compiles


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes the page of this backend.")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes side by side")
    jobs = parser.parse_args().jobs
    source = source_digest()
    rows = rows_so_far(source)
    left = [place for place in range(len(CONFIGURATIONS)) if place not in rows]
    compiled = Path(tempfile.gettempdir()) / f"stateviz-matrix-{source[:12]}"
    os.environ.update(keeping_what_jax_compiles(str(compiled)))  # the pool's processes read it
    with multiprocessing.get_context("spawn").Pool(jobs, maxtasksperchild=4) as pool:
        for place, row in pool.imap_unordered(outcomes_of, left):
            rows[place] = row
            told = {p: {way: astuple(o) for way, o in r.items()} for p, r in rows.items()}
            SO_FAR.write_text(json.dumps({"source": source, "rows": told}), encoding="utf-8")
            name = CONFIGURATIONS[place].name
            print(f"{len(rows)} of {len(CONFIGURATIONS)}: {name}", file=sys.stderr, flush=True)
    SO_FAR.unlink(missing_ok=True)
    shutil.rmtree(compiled, ignore_errors=True)
    outcomes = {CONFIGURATIONS[place].name: rows[place] for place in sorted(rows)}
    python = ".".join(map(str, sys.version_info[:2]))
    versions = f"Keras {keras.__version__}, {here.VERSION} and Python {python}, on a CPU"
    PAGE.write_text(page(outcomes, versions), encoding="utf-8")
    wrong = [
        f"{name}, {way}: {each.verdict}: {each.words}"
        for name, row in outcomes.items()
        for way, each in row.items()
        if each.verdict not in SIGNS
    ]
    print("\n".join(wrong) or "Every cell is true and harmless, or refused in words.")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
