"""The kernel that runs a notebook: forked from a process that has imported its libraries."""

import multiprocessing
import os
import warnings

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.provisioning import LocalProvisioner
from traitlets import default

from selfsparse.paths import project_root

os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # keeps the debugger's hints out of the terminal
FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(["selfsparse.report.warm"])


class OwnPython(AsyncKernelManager):
    """Starts the kernel in this very interpreter, whatever kernels named python3 a user has installed."""

    @default("kernel_spec_manager")
    def _without_installed_kernels(self) -> KernelSpecManager:
        return KernelSpecManager(kernel_dirs=[])  # what is left is ipykernel's own kernel, of sys.executable

    async def _async_pre_start_kernel(self, **options):
        self.provisioner = Forked(kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self)
        return await super()._async_pre_start_kernel(**options)


class Forked(LocalProvisioner):
    """Starts a kernel by a fork, in a tenth of the time that it takes a new interpreter to import everything again."""

    async def launch_kernel(self, cmd: list[str], *, env: dict[str, str], **_):  # type: ignore[override]
        """Start the kernel whose command line this is, and return how to connect to it."""
        self.process = _Kernel(target=_serve, args=(cmd[cmd.index("-f") :], str(project_root()), env))
        self.process.start()
        self.pid = self.process.pid
        return self.connection_info


class _Kernel(FORKSERVER.Process):  # type: ignore[name-defined]
    """A process with the names that Jupyter calls it by, those of subprocess.Popen."""

    stdin = stdout = stderr = None

    def poll(self) -> int | None:
        return self.exitcode

    def wait(self) -> int | None:
        self.join()
        return self.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


def _serve(arguments: list[str], folder: str, variables: dict[str, str]) -> None:
    """Be a kernel until its work is done, or until the process that forked it is gone: that goes with the stage."""
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()  # Ctrl-C is for the stage alone
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    IPKernelApp.launch_instance([*arguments, f"--IPKernelApp.parent_handle={os.getppid()}"])


def prepare() -> None:
    """What a kernel does before its first cell: a warning of the analysis fails it, and pandas is as installed."""
    import pandas

    pandas.reset_option("all")
    # By the line that is warned of, not a library's own.
    warnings.filterwarnings("error", module=r"__main__|selfsparse\.")
