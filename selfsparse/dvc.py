"""DVC, faster where there are many stages: `python -m selfsparse.dvc repro ...` does what `dvc repro ...` does.

Of each stage that has run it writes its own lines of dvc.lock, where DVC parses and writes the whole file, in pure Python.
"""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dvc import dvcfile
from dvc.cli import main
from dvc.stage import PipelineStage
from dvc.stage.serialize import to_single_stage_lockfile

from selfsparse.stages import note_records

LOGGER = logging.getLogger(dvcfile.__name__)


class Lockfile(dvcfile.Lockfile):
    """dvc.lock, into which a stage writes its own lines alone."""

    def dump_stages(self, stages: Sequence[PipelineStage], **options: Any) -> None:
        """Note what these stages were made from and what they made."""
        path = Path(self.path)
        before = path.read_bytes() if path.is_file() else b""
        note_records(path.parent, {stage.name: to_single_stage_lockfile(stage, **options) for stage in stages})
        if not before:
            LOGGER.info("Generating lock file '%s'", self.relpath)
        if path.read_bytes() != before:
            LOGGER.info("Updating lock file '%s'", self.relpath)
            self.repo.scm_context.track_file(self.relpath)


if __name__ == "__main__":
    dvcfile.Lockfile = Lockfile  # a name that DVC does not promise to keep, which a test watches
    sys.exit(main())
