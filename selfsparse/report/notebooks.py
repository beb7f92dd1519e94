"""Running the notebooks of a suite, or on the paper itself, through papermill, so that equal results give equal bytes."""

import difflib
import json
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from importlib import import_module
from itertools import repeat
from multiprocessing import active_children
from pathlib import Path

from selfsparse import analysis
from selfsparse.config import load_settings
from selfsparse.environment import ignore_user_settings
from selfsparse.errors import SettingsError, UserError, printable
from selfsparse.files import shown_files, write_text
from selfsparse.paths import PAPER_AUDIT, project_root, suite_dir
from selfsparse.processes import usable_cpus
from selfsparse.report.kernel import FORKSERVER, OwnPython
from selfsparse.report.shown import executed_path

INJECTED = "injected-parameters"  # papermill's tag for the cell that it adds
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
USER_ERRORS = {kind.__name__ for kind in UserError.__subclasses__()}  # of a kernel: a message, no traceback
PAGE = threading.Lock()  # of the page of a suite's tables, to which notebooks that run beside each other add


class NotebookError(UserError):
    """A notebook that cannot be read, or a cell that failed or warned."""


def notebook_names() -> list[str]:
    """Return the names of the project's notebooks: of those in notebooks/ that open the page of a module of their name."""
    return [name for name in _files() if _module(name).is_file() and _opens_its_page(name)]


def _opens_its_page(name: str) -> bool:
    """Return whether a notebook calls open_page with its name, as a draft does not; of a damaged one `execute` tells."""
    try:
        text = (project_root() / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
        return any(f'open_page(suite, "{name}"' in "".join(cell["source"]) for cell in json.loads(text)["cells"])
    except (OSError, ValueError, LookupError, TypeError):
        return True


def _module(name: str) -> Path:
    return Path(analysis.__file__).with_name(f"{name}.py")


def notebooks_of(suite: str) -> list[str]:
    """Return the notebooks that have anything to show for a suite, as `belongs` of the module of their name says.

    Those named figure_* only where the suite has `figures`. For PAPER_AUDIT all that are on the paper itself.
    """
    if suite == PAPER_AUDIT:
        return _files(PAPER_AUDIT)

    from selfsparse.results.reading import load_results  # late: it imports pandas

    results, figures = load_results(suite), load_settings().figures[suite]
    names = (name for name in notebook_names() if figures or not name.startswith("figure_"))
    modules = {name: import_module(f"selfsparse.analysis.{name}") for name in names}
    return [name for name, module in modules.items() if not hasattr(module, "belongs") or module.belongs(results)]


def _files(folder: str = "") -> list[str]:
    return sorted(path.stem for path in shown_files(project_root() / "notebooks" / folder, "*.ipynb"))


def make_notebooks(suite: str) -> list[Path]:
    """Make all notebooks of a suite or of PAPER_AUDIT, as many at a time as there are CPU cores; return where they lie."""
    load_settings()  # first: an error in them is one message
    # In a fork of the process that imports what kernels and this need; Ctrl-C is for the stage alone.
    with ProcessPoolExecutor(1, FORKSERVER, initializer=os.setsid) as process:
        found = process.submit(notebooks_of, suite)
        import papermill  # noqa: F401, meanwhile

        names = found.result()
    for name in () if suite == PAPER_AUDIT else sorted({*_files()} - {*notebook_names()}):  # a draft, or a copy
        no_module = f"there is no {_module(name).name} in selfsparse/analysis"
        lacks = f'no cell calls open_page(suite, "{name}")' if _module(name).is_file() else no_module
        print(f"notebooks/{name}.ipynb is passed by: {lacks}.", file=sys.stderr)
    with ThreadPoolExecutor(usable_cpus()) as workers:  # a thread waits for a kernel, which is a process
        try:
            made = list(workers.map(make_notebook, names, repeat(suite)))
        except BaseException:  # an error, or Ctrl-C: the others are not waited for
            workers.shutdown(wait=False, cancel_futures=True)
            for kernel in active_children():
                kernel.kill()
            raise
    folder = suite_dir(suite)
    for old in (*folder.glob("notebooks/*"), *folder.glob("tables/*/")):
        if old.name not in names:
            shutil.rmtree(old)
    _write_sections(folder / "tables", {n: text for n, text in _sections(folder / "tables").items() if n in names})
    return made


def make_notebook(name: str, suite: str) -> Path:
    """Execute a notebook for a suite; write results/<suite>/notebooks/<name>/<name>.ipynb, which is returned, and its tables.

    What an earlier run made stays until this one has ended well.
    """
    if suite != PAPER_AUDIT:
        load_settings().suite(suite)
    _known(name, notebooks_of(suite) if suite == PAPER_AUDIT else notebook_names())
    executed = execute(name, suite)
    _save_tables(executed, name, suite_dir(suite) / "tables")

    import nbformat

    path = executed_path(suite, name)
    write_text(path, nbformat.writes(cleaned(executed, project_root())) + "\n")
    return path


def execute(name: str, suite: str):
    """Run notebooks/<name>.ipynb for a suite, or notebooks/paper_audit/<name>.ipynb for PAPER_AUDIT; return it with its outputs.

    Raises:
        NotebookError: for a file that is no notebook, a cell that failed or in which our analysis warned, and a kernel that died.
    """
    ignore_user_settings()
    import nbformat
    import papermill
    from traitlets.config import Config

    # Read here: papermill would take braces in the folder's name for parameters, and want a kernel to be named.
    folder, parameters = (PAPER_AUDIT, {}) if suite == PAPER_AUDIT else ("", {"suite": suite})
    path = project_root() / "notebooks" / folder / f"{name}.ipynb"
    try:
        source = nbformat.read(path, as_version=4)
        nbformat.validate(source)
    except Exception as error:  # what such a file raises depends on what it is
        reason = printable(" ".join(str(error).split())[:200]) or type(error).__name__
        raise NotebookError(
            f"notebooks/{path.name} is no notebook that can be read ({reason}): restore it, or move it elsewhere."
        ) from None
    source.metadata["kernelspec"] = KERNEL
    with tempfile.TemporaryDirectory() as folder:
        try:
            executed = papermill.execute_notebook(
                source,
                None,
                parameters,
                kernel_name="python3",
                progress_bar=False,
                start_timeout=300,  # the defaults of 60 s, and of 4 s for outputs, are short where cores are busy
                iopub_timeout=60,
                shutdown_kernel="immediate",  # nothing is left to save; a polite end may print an interrupt
                # Parallel kernels would race for TCP ports, or for sockets of one name in one folder.
                config=Config({"KernelManager": {"transport": "ipc", "ip": str(Path(folder) / "kernel")}}),
                kernel_manager_class=OwnPython,
                extra_arguments=[
                    f"--IPKernelApp.ipython_dir={folder}",  # parallel kernels would fight over one history database
                    "--IPKernelApp.exec_lines=from selfsparse.report import kernel; kernel.prepare()",
                ],
            )
        except papermill.PapermillExecutionError as error:
            said = error.evalue if error.ename in USER_ERRORS else error
            raise NotebookError(f"notebooks/{name}.ipynb: {said}".strip()) from None
        except RuntimeError as error:
            raise NotebookError(
                f"notebooks/{name}.ipynb: {error}, as where memory runs out: "
                f"python -m pipeline.notebook {name} --suite SUITE runs it alone."
            ) from None
    if executed.metadata.papermill["exception"]:  # a cell called sys.exit(0), which papermill takes for success
        raise NotebookError(f"notebooks/{name}.ipynb: a cell ended the notebook before its last cell.")
    return executed


def _save_tables(notebook, name: str, folder: Path) -> None:
    """Write a notebook's tables, each as CSV into <folder>/<name>/, and all as a section of the page <folder>/README.md.

    Several tables of one name have one file. What else the notebook's folder held goes.
    """
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    shown = [output for output in outputs if "table" in output.get("metadata", {})]
    texts: dict[str, str] = {}
    for output in shown:
        file, text = f"{output.metadata['table']}.csv", output.data["text/csv"]
        texts[file] = texts[file] + text.partition("\n")[2] if file in texts else text
    for file, text in texts.items():
        write_text(folder / name / file, text)
    for old in (folder / name).glob("*"):
        if old.name not in texts:
            old.unlink()
    with PAGE:
        sections = _sections(folder) | {name: "\n".join(output.data["text/markdown"] for output in shown)}
        _write_sections(folder, sections)


def _sections(folder: Path) -> dict[str, str]:
    """Return the Markdown of each notebook's tables from the page of all of them."""
    page = folder / "README.md"
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    return dict(re.findall(r"^## (\S+)\n\n(.*?)(?=\n## |\Z)", text, re.M | re.S))


def _write_sections(folder: Path, sections: dict[str, str]) -> None:
    parts = [f"## {name}\n\n{text}" for name, text in sorted(sections.items()) if text]
    write_text(folder / "README.md", "\n".join(["# Tables\n", *parts]))


def cleaned(notebook, root: Path):
    """Take out what differs between equal runs, times, papermill's notes, random cell ids, versions, absolute paths, and stderr.

    Of a table HTML and LaTeX stay: not every viewer of notebooks shows Markdown that a cell put out.
    """
    from selfsparse.report.html import plain_html

    language = notebook.metadata.get("language_info", {})
    kept = ("name", "file_extension", "mimetype", "pygments_lexer")
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {key: language[key] for key in kept if key in language}}
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = {"tags": tags} if tags else {}
        if INJECTED in tags:
            cell.id = INJECTED
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            for output in cell.outputs:
                if output.output_type == "stream":
                    output.text = output.text.replace(str(root) + os.sep, "")
                elif markdown := output.data.pop("text/markdown", None):
                    output.data["text/html"] = plain_html(markdown)
                    output.data.pop("text/csv", None)
    return notebook


def _known(name: str, known: Iterable[str]) -> None:
    known = list(known)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f" (did you mean {' or '.join(near)}?)" if near else ""
        raise SettingsError(f"no notebook '{name}'{hint}; there is {', '.join(known) or 'none'}")
