"""A remote of a team over blobs."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from mlver.digest import Digest
from mlver.storage.remote.blobs import BlobStore
from mlver.storage.remote.download import download_objects
from mlver.storage.remote.survey import RemoteSurvey, survey_remote
from mlver.storage.remote.team_store import (
    STANDARD_OPTIONS,
    ContentSizes,
    DownloadReport,
    TeamStore,
    TransferOptions,
    UploadReport,
    UploadSource,
)
from mlver.storage.remote.upload import upload_objects
from mlver.storage.store import RepositoryIntake


class BlobTeamStore:
    """Satisfies TeamStore.

    `cache_folder` is a folder of this machine for what is read again and again. `blobs` tries again
    by itself.
    """

    def __init__(self, blobs: BlobStore, cache_folder: Path) -> None:
        self.blobs = blobs
        self._cache_folder = cache_folder
        self._survey: tuple[frozenset[Digest], RemoteSurvey] | None = None

    @property
    def address(self) -> str:
        return self.blobs.address

    def find_missing(
        self, wanted: ContentSizes, options: TransferOptions = STANDARD_OPTIONS
    ) -> AbstractSet[Digest]:
        """See TeamStore."""
        return self.survey(wanted, options).find_missing(wanted)

    def survey(
        self, wanted: ContentSizes, options: TransferOptions = STANDARD_OPTIONS
    ) -> RemoteSurvey:
        """What the remote has of these contents now, and under which keys."""
        survey = survey_remote(self.blobs, self._cache_folder, wanted, options)
        self._survey = (frozenset(wanted), survey)
        return survey

    def upload(
        self,
        source: UploadSource,
        wanted: Mapping[Digest, int],
        options: TransferOptions = STANDARD_OPTIONS,
    ) -> UploadReport:
        """See TeamStore."""
        survey = self._take_survey(wanted, options)
        return upload_objects(source, self.blobs, survey, wanted, options)

    def download(
        self,
        wanted: ContentSizes,
        intake: RepositoryIntake,
        options: TransferOptions = STANDARD_OPTIONS,
    ) -> DownloadReport:
        """See TeamStore."""
        survey = self._take_survey(wanted, options)
        return download_objects(self.blobs, survey, wanted, intake, options)

    def _take_survey(self, wanted: ContentSizes, options: TransferOptions) -> RemoteSurvey:
        """The survey that was made just before, if it is of all these contents; else a new one."""
        before, self._survey = self._survey, None
        if before is not None and wanted.keys() <= before[0]:
            return before[1]
        return survey_remote(self.blobs, self._cache_folder, wanted, options)


def open_team_store(blobs: BlobStore, cache_folder: Path) -> TeamStore:
    """The remote of a team that keeps its contents in these blobs."""
    return BlobTeamStore(blobs, cache_folder)
