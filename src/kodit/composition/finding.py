"""The services that search and read indexed code, without writing and without the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kodit.composition.foundation import Foundation
from kodit.composition.made_later import made_later
from kodit.composition.made_once import made_once

# A search by the command line takes less time than importing what only indexing needs.
if TYPE_CHECKING:
    from kodit.application.services.answers.answer_service import AnswerService
    from kodit.application.services.answers.description_answers import DescriptionAnswers
    from kodit.application.services.browse_service import BrowseService
    from kodit.application.services.description_search import DescriptionSearch
    from kodit.application.services.folder_comparisons import FolderComparisons
    from kodit.application.services.grep_service import GrepService
    from kodit.application.services.index_locator import IndexLocator
    from kodit.application.services.map_service import MapService
    from kodit.application.services.related_service import RelatedService
    from kodit.application.services.scope_service import ScopeService
    from kodit.application.services.search_service import SearchService
    from kodit.application.services.snapshots import ReadableKeywords
    from kodit.application.services.standing_service import StandingService
    from kodit.application.services.symbol_service import SymbolService
    from kodit.domain.ports.watching import FolderComparer


class Finding(Foundation):
    """The reading services over one data directory, each created on first use."""

    @made_once
    def standing(self) -> StandingService:
        from kodit.application.services.standing_service import StandingService

        return StandingService(
            database=self.reading,
            keyword_index=self._keywords,
            changed_files=self.known_changes.count,
            registry=lambda: self.registry,
            rules=self.claim_rules,
            searching=lambda: () if self.store.nodes is None else self.store.nodes.searching(),
        )

    def _keywords(self) -> ReadableKeywords | None:
        """The keyword index, or only its positions if nothing searches it; None if this node leaves
        searching to others."""
        if not self.settings.node_searches:
            return None
        if self.is_brief and "keyword_index" not in vars(self.engines):
            from kodit.infrastructure.keyword.positions import KeywordPositions

            return KeywordPositions(self.data_dir / "keyword")
        return self.engines.keyword_index

    @made_once
    def search(self) -> SearchService:
        from kodit.application.services.search_service import SearchService

        return SearchService(
            database=self.reading,
            keyword_index=self.engines.keyword_index,
            vector_index=self.engines.vector_index,
            embedder=self.engines.embedder,
            embedder_of=self.engines.embedder_of if self.settings.embedding_base_url else None,
        )

    @made_once
    def browse(self) -> BrowseService:
        from kodit.application.services.browse_service import BrowseService
        from kodit.infrastructure.sources.text_reader import StoredTextReader

        return BrowseService(catalogue=self.catalogue, reader=StoredTextReader(self.places))

    @made_once
    def grep(self) -> GrepService:
        from kodit.application.services.grep_service import GrepService
        from kodit.infrastructure.grep.folder_lister import ScannedFolderLister
        from kodit.infrastructure.grep.line_searcher import PooledLineSearcher
        from kodit.infrastructure.grep.ripgrep import find_ripgrep

        return GrepService(
            catalogue=self.catalogue,
            searcher=PooledLineSearcher(
                self.places,
                made_later(lambda: self.pool),
                ripgrep=find_ripgrep(),
                starts_here=self.is_brief,
            ),
            lister=ScannedFolderLister(made_later(lambda: self.engines.reader)),
        )

    @made_once
    def symbols(self) -> SymbolService:
        from kodit.application.services.symbol_service import SymbolService

        return SymbolService(
            database=self.reading,
            catalogue=self.catalogue,
            keyword_index=self.engines.keyword_index,
        )

    @made_once
    def maps(self) -> MapService:
        from kodit.application.services.map_service import MapService

        return MapService(catalogue=self.catalogue)

    @made_once
    def description_answers(self) -> DescriptionAnswers:
        from kodit.composition.descriptions import make_description_answers

        return make_description_answers(
            self, scope=self.scoping, standing=self.standing, symbols=lambda: self.symbols
        )

    @made_once
    def described(self) -> DescriptionSearch:
        from kodit.application.services.description_search import DescriptionSearch

        return DescriptionSearch(
            database=self.reading,
            keyword_index=self.engines.keyword_index,
            kinds=self.settings.descriptions,
        )

    @made_once
    def related(self) -> RelatedService:
        from kodit.application.services.related_service import RelatedService

        return RelatedService(catalogue=self.catalogue, vector_index=self.engines.vector_index)

    @made_once
    def locator(self) -> IndexLocator:
        from kodit.application.services.index_locator import IndexLocator

        return IndexLocator(
            database=self.reading, parser=made_later(lambda: self.parser), host=self.this_host
        )

    @made_once
    def scoping(self) -> ScopeService:
        from kodit.application.services.scope_service import ScopeService

        return ScopeService(locator=self.locator)

    @made_once
    def comparisons(self) -> FolderComparisons:
        from kodit.application.services.folder_comparisons import FolderComparisons

        def compare() -> FolderComparer:
            from kodit.infrastructure.watching.comparing import compare_folder

            return compare_folder

        return FolderComparisons(
            database=self.reading,
            comparer=compare if self.compares_folders else None,
            host=self.this_host,
        )

    @made_once
    def answers(self) -> AnswerService:
        from kodit.application.services.answers.answer_service import AnswerService

        return AnswerService(
            asked=self,
            scope=self.scoping,
            standing=self.standing,
            comparisons=self.comparisons,
            settle=self.known_changes.settle,
        )
