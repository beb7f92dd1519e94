"""Running a notebook of the project through papermill, so that equal results give equal bytes."""

import difflib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import repeat
from multiprocessing import active_children
from pathlib import Path

from selfsparse.config import load_settings
from selfsparse.environment import ignore_user_settings
from selfsparse.errors import SettingsError, UserError
from selfsparse.files import write_text
from selfsparse.paths import figures_dir, project_root, suite_dir, tables_dir
from selfsparse.processes import place_for_sockets, usable_cpus

INJECTED = "injected-parameters"  # papermill's tag for the cell that it adds
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
USER_ERRORS = {kind.__name__ for kind in UserError.__subclasses__()}  # of a kernel: a message, no traceback


class NotebookError(UserError):
    """A cell that failed, or that printed a warning."""


def notebook_names() -> list[str]:
    """Return the names of the project's notebooks: all in notebooks/ but those that passed_by() names.

    Raises:
        NotebookError: a file cannot be read as a notebook.
    """
    others = passed_by()
    return [path.stem for path in _files() if path.stem not in others]


def passed_by() -> dict[str, str]:
    """Return the files of notebooks/ that are none of ours, a draft or a copy, each with the reason."""
    found = {}
    for path in _files():
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            code = [("parameters" in cell["metadata"].get("tags", []), "".join(cell["source"])) for cell in cells]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise NotebookError(
                f"notebooks/{path.name} is no notebook that can be read ({error}): restore it, or move it elsewhere."
            ) from None
        page = re.search(r'\bopen_page\(suite, "([^"]*)"', "\n".join(source for _, source in code))
        if not any(tagged and re.match(r"suite\s*=", source) for tagged, source in code):
            found[path.stem] = "it has no cell with the tag 'parameters' that sets the suite"
        elif page and page[1] != path.stem:
            found[path.stem] = f"it writes the tables and figures of '{page[1]}', which is another notebook"
    return found


def _files() -> list[Path]:
    return sorted((project_root() / "notebooks").glob("*.ipynb"))


def executed_path(suite: str, name: str) -> Path:
    """Return where an executed notebook lies."""
    return suite_dir(suite) / "notebooks" / name / f"{name}.ipynb"


def make_notebook(name: str, suite: str) -> Path:
    """Execute a notebook for a suite; write results/<suite>/notebooks/<name>/<name>.ipynb, which is returned."""
    if reason := passed_by().get(name):
        raise NotebookError(f"notebooks/{name}.ipynb is not run: {reason}.")
    _known(name, notebook_names(), "notebook")
    load_settings().suite(suite)
    with _put_back_on_failure(tables_dir(suite, name), figures_dir(suite, name)):
        executed = execute(name, {"suite": suite})

    import nbformat

    path = executed_path(suite, name)
    write_text(path, nbformat.writes(executed) + "\n")
    return path


def make_notebooks(suite: str) -> list[Path]:
    """Make all notebooks of a suite, as many at a time as there are CPU cores; return where they lie."""
    load_settings().suite(suite)  # one error, and not one from each
    for name, reason in passed_by().items():
        print(f"notebooks/{name}.ipynb is passed by: {reason}.", file=sys.stderr)
    with ThreadPoolExecutor(usable_cpus()) as workers:  # a thread waits for a kernel, which is a process
        try:
            return list(workers.map(make_notebook, notebook_names(), repeat(suite)))
        except BaseException:  # an error, or Ctrl-C: the others are not waited for
            workers.shutdown(wait=False, cancel_futures=True)
            for kernel in active_children():
                kernel.kill()
            raise


@contextmanager
def _put_back_on_failure(*folders: Path) -> Iterator[None]:
    """Where the work fails, leave the folders as they were: a notebook empties its own before it fills them anew."""
    with tempfile.TemporaryDirectory() as place:
        kept = {folder: Path(place, str(number)) for number, folder in enumerate(folders) if folder.exists()}
        for folder, copy in kept.items():
            shutil.copytree(folder, copy)
        try:
            yield
        except BaseException:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
            for folder, copy in kept.items():
                shutil.copytree(copy, folder)
            raise


def execute(name: str, parameters: dict[str, str]):
    """Run notebooks/<name>.ipynb with exactly the parameters that it declares; return it cleaned.

    Raises:
        SettingsError: for a parameter that the notebook does not declare, or that it declares and is not given.
        NotebookError: for a cell that failed, or in which our analysis warned, and for a kernel that died.
    """
    ignore_user_settings()
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # keeps the debugger's hints out of the terminal
    import nbformat
    import papermill
    from traitlets.config import Config

    from selfsparse.analysis.kernel import OwnPython

    root = project_root()
    # Read here: papermill would take braces in the folder's name for parameters, and want a kernel to be named.
    source = nbformat.read(root / "notebooks" / f"{name}.ipynb", as_version=4)
    source.metadata["kernelspec"] = KERNEL
    check_parameters(name, parameters, papermill.inspect_notebook(source))
    with tempfile.TemporaryDirectory(dir=place_for_sockets()) as folder:
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
                    "--IPKernelApp.exec_lines=from selfsparse.analysis import kernel; kernel.prepare()",
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
    _refuse_warnings(name, executed)
    return cleaned(executed, root)


def check_parameters(name: str, given: Iterable[str], declared: Iterable[str]) -> None:
    """Raise SettingsError unless exactly the declared parameters are given: papermill itself would only warn."""
    for parameter in given:
        _known(parameter, declared, f"parameter (notebooks/{name}.ipynb)")
    missing = [parameter for parameter in declared if parameter not in given]
    if missing:
        raise SettingsError(f"notebooks/{name}.ipynb: no value for parameter '{missing[0]}'")


def cleaned(notebook, root: Path):
    """Take out what differs between equal runs: times, papermill's notes, random cell ids, versions, absolute paths, stderr.

    Markdown gets its HTML beside it, as not every viewer of notebooks shows Markdown that a cell put out.
    """
    from selfsparse.analysis.html import plain_html

    language = notebook.metadata.get("language_info", {})
    notebook.metadata = {
        "kernelspec": KERNEL,
        "language_info": {
            key: language[key] for key in ("name", "file_extension", "mimetype", "pygments_lexer") if key in language
        },
    }
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
                elif "text/markdown" in output.data:
                    output.data["text/html"] = plain_html(output.data["text/markdown"])
    return notebook


def heading(notebook) -> str:
    """Return the notebook's first heading."""
    lines = (line for cell in notebook.cells if cell.cell_type == "markdown" for line in cell.source.splitlines())
    return next((line.lstrip("# ") for line in lines if line.startswith("#")), "Notebook")


def _refuse_warnings(name: str, notebook) -> None:
    from selfsparse.analysis.kernel import WARNING

    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr" and WARNING in output.text:
                said = output.text[output.text.index(WARNING) :].strip()
                raise NotebookError(f"notebooks/{name}.ipynb: cell '{cell.id}': {said}")


def _known(name: str, known: Iterable[str], what: str) -> None:
    known = list(known)
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=3)
    hint = f" (did you mean {' or '.join(near)}?)" if near else ""
    raise SettingsError(f"no {what} '{name}'{hint}; there is {', '.join(known) or 'none'}")
