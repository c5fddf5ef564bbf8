"""Figures, logs and settings of the service, without a server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason='needs pip install "ocrloom[server]"')

from ocrloom import errors, wire
from ocrloom.jobs.records import Job, Status
from ocrloom.progress import Progress, Stage
from ocrloom.result import Page, PageFailure
from ocrloom.service.metrics import Metrics
from ocrloom.service.settings import Settings

ROOT = Path(__file__).parents[1]
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
SERVICE = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")


def job(**more):
    given = {
        "owner": "", "name": "a.tif", "size": 9, "digest": "", "media": "", "upload": "x",
        "id": "a" * 26, "place": 1, "status": Status.RUNNING, "created": 0.0, "attempts": 1,
    }  # fmt: skip
    return Job(**{**given, **more})


def value(metrics, name, **labels):
    return metrics.registry.get_sample_value(f"ocrloom_{name}", labels)


def test_the_stages_of_pages_are_measured_apart():
    metrics = Metrics()
    one, other = job(), job(id="b" * 26)

    def tell(which, stage, page, elapsed):
        metrics.progress(which, Progress(source=None, stage=stage, page=page, elapsed=elapsed))

    tell(one, Stage.DECODING, 1, 1.0)
    tell(other, Stage.DECODING, 1, 1.0)
    tell(one, Stage.DECODING, 2, 2.0)
    tell(one, Stage.READING, 1, 4.0)
    tell(other, Stage.DONE, None, 9.0)
    tell(one, Stage.PAGE_DONE, 1, 9.0)
    tell(one, Stage.PAGE_DONE, 7, 9.0)  # known before, so it was neither decoded nor read
    assert value(metrics, "stage_seconds_sum", stage="decoding") == 3
    assert value(metrics, "stage_seconds_sum", stage="reading") == 5
    assert value(metrics, "stage_seconds_count", stage="reading") == 1


def test_pages_and_jobs_are_counted_by_what_became_of_them():
    metrics = Metrics()
    metrics.page(Page(number=1, width=9, height=9))
    metrics.page(PageFailure.of(2, errors.OcrDamagedImage("scan.png: cut short")))
    metrics.started(job())
    metrics.started(job(attempts=2))
    metrics.ended(job(status=Status.PARTIAL))
    assert value(metrics, "pages_total", outcome="read") == 1
    assert value(metrics, "pages_total", outcome="failed") == 1
    assert value(metrics, "page_failures_total", kind="OcrDamagedImage") == 1
    assert value(metrics, "jobs_ended_total", status="partial") == 1
    assert value(metrics, "jobs_ended_total", status="failed") == 0
    assert value(metrics, "stage_seconds_count", stage="waiting") == 1


def test_the_memory_of_a_pool_is_that_of_now():
    from ocrloom.scheduling.pool import Pool

    metrics, pool, seen = Metrics(), Pool(1, 1000), []
    metrics.observe_pool(pool)
    pool.add(pool.job(), lambda _: seen.append(value(metrics, "memory_admitted_bytes")), 300)
    pool.retire()
    for thread in list(pool._threads):
        thread.join()
    assert seen == [300]
    assert value(metrics, "memory_admitted_bytes") == 0
    assert value(metrics, "memory_budget_bytes") == 1000


def test_callers_cannot_make_figures_without_end():
    metrics = Metrics()
    for number in range(50):
        metrics.request(f"METHOD{number}", "other", 404, 0.01)
    assert value(metrics, "http_requests_total", method="other", route="other", status="404") == 50
    assert metrics.text().count(b"ocrloom_http_requests_total{") == 1


def logged(run_python, form, code):
    """What a fresh process logs."""
    begin = f"""
import contextlib, logging, sys
from ocrloom.service import logs
sys.stderr = sys.stdout
logs.configure("{form}", "info")
log = logging.getLogger("ocrloom.test")
"""
    return run_python(begin + code).splitlines()


def test_each_line_of_the_log_is_a_json_object_with_what_is_current(run_python):
    code = r"""
logs.announce("http://127.0.0.1:9")
logs.request_id.set("r1"), logs.job_id.set("j1"), logs.key_id.set("k1")
log.info("two\nlines %s", "ñ", extra={"event": "request", "status": 200})
log.debug("too small")
logging.getLogger("httpx").info("GET http://user:secret@host/?q=1")
logging.getLogger("uvicorn.error").info("started")
logging.getLogger("uvicorn.error").warning("odd", extra={"color_message": "x"})
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed")
"""
    entries = [json.loads(line) for line in logged(run_python, "json", code)]
    assert [entry["message"] for entry in entries] == [
        "listening on http://127.0.0.1:9",
        "two\nlines ñ",
        "odd",
        "failed",
    ]
    announced, told, uvicorn, failed = entries
    assert (announced["event"], announced["url"]) == ("listening", "http://127.0.0.1:9")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told.pop("time"))
    assert told == {
        "level": "info",
        "logger": "ocrloom.test",
        "message": "two\nlines ñ",
        "event": "request",
        "status": 200,
        "request_id": "r1",
        "job_id": "j1",
        "key_id": "k1",
    }
    assert "color_message" not in uvicorn
    assert failed["exception"]["type"] == "ZeroDivisionError"
    assert "1 / 0" in failed["exception"]["traceback"] or "<module>" in str(failed["exception"])


def test_the_log_for_people_has_a_line_an_event(run_python):
    code = r"""
logs.announce("http://127.0.0.1:9")
logs.job_id.set("j1")
log.info("two\nlines \x1b[31m", extra={"event": "request", "status": 200})
"""
    announced, told = logged(run_python, "text", code)
    assert announced == "ocrloom: listening on http://127.0.0.1:9"
    expected = r"info      two\nlines \x1b[31m  event=request  status=200  job_id=j1"
    assert told.partition("  ")[2] == expected


# The pages about it


def settings_table():
    """The settings as the page on operating lists them."""
    rows = ["| flag | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        told = " ".join(field.description.split())
        default = field.default
        shown = "–" if default in (None, ()) else f"`{str(default).removesuffix('.0')}`"
        rows.append(f"| `--{name.replace('_', '-')}` | {shown} | {told} |")
    return "\n".join(rows)


def metrics_table():
    """The figures as the page on operating lists them."""
    rows = ["| figure | labels | meaning |", "|---|---|---|"]
    for family in Metrics().registry.collect():
        if family.name.startswith("ocrloom_"):
            ending = "_total" if family.type == "counter" else ""
            labels = sorted(
                {label for sample in family.samples for label in sample.labels} - {"le"}
                | set(LABELS.get(family.name, ()))
            )
            shown = ", ".join(f"`{label}`" for label in labels) or "–"
            rows.append(f"| `{family.name}{ending}` | {shown} | {family.documentation} |")
    return "\n".join(rows)


LABELS = {
    "ocrloom_http_requests": ("method", "route", "status"),
    "ocrloom_http_request_seconds": ("method", "route"),
    "ocrloom_page_failures": ("kind",),
    "ocrloom_webhook_deliveries": ("outcome",),
}
"""Of figures that have no samples at first."""


@pytest.mark.parametrize("table", [settings_table, metrics_table], ids=lambda each: each.__name__)
def test_the_page_on_operating_has_the_table_as_it_is(table):
    assert table() in OPERATING


def test_the_page_on_the_service_lists_what_it_answers():
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", SERVICE, re.MULTILINE)
    assert all(wire.class_of(code).http_status == int(status) for code, status in rows)
    own = [cls for cls in vars(errors).values() if isinstance(cls, type)]
    wanted = {
        wire.code_of(cls)
        for cls in own
        if issubclass(cls, errors.OcrServiceError) and cls is not errors.OcrServiceError
    }
    assert wanted <= {code for code, _ in rows}


def test_figures_that_alerts_are_about_exist():
    known = set(re.findall(r"\| `(ocrloom_\w+)`", metrics_table()))
    used = set(re.findall(r"ocrloom_[a-z_]+", OPERATING))
    assert used <= known | {"ocrloom_info"}


# What is deployed


def variables(text):
    return {name.lower() for name in re.findall(r"OCRLOOM_([A-Z_]+)", text)}


@pytest.mark.parametrize("name", ["Containerfile", "ocrloom.service"])
def test_what_is_deployed_sets_what_can_be_set(name):
    text = (ROOT / "deploy" / name).read_text(encoding="utf-8")
    given = dict(re.findall(r"OCRLOOM_([A-Z_]+)=(\S+)", text))
    Settings(**{each.lower(): setting for each, setting in given.items()})
    assert variables(text) | variables(OPERATING) <= set(Settings.model_fields)


def test_the_container_starts_a_command_that_there_is(run):
    text = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
    assert [
        json.loads(part) for part in re.findall(r"^(?:ENTRYPOINT|CMD) (.*)", text, re.MULTILINE)
    ] == [
        ["ocrloom"],
        ["serve"],
    ]
    assert run("serve", "--help")[0] == 0
    for copied in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE):
        assert all((ROOT / each).exists() for each in copied.split())
    check = re.search(r"HEALTHCHECK .*?CMD (\[.*?\])$", text, re.MULTILINE | re.DOTALL)
    compile(json.loads(check[1])[2], "check", "exec")


def test_the_unit_gives_it_time_to_end():
    text = (ROOT / "deploy" / "ocrloom.service").read_text(encoding="utf-8")
    assert int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)[1]) >= 10 + int(
        Settings.model_fields["drain_seconds"].default
    )


def test_systemd_understands_the_unit(tmp_path):
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("no systemd-analyze; it is in the package systemd")
    text = (ROOT / "deploy" / "ocrloom.service").read_text(encoding="utf-8")
    unit = tmp_path / "ocrloom.service"
    # It wants programs that are there.
    unit.write_text(text.replace("/opt/ocrloom/bin/ocrloom", shutil.which("true")), "utf-8")
    done = subprocess.run([verify, "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
