CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)

CREATE TABLE embeddings (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	index_id BIGINT NOT NULL, 
	"key" BLOB NOT NULL, 
	code BLOB NOT NULL, 
	vector BLOB NOT NULL, unused_since BIGINT, unused_bytes BIGINT, 
	UNIQUE ("key")
)

CREATE INDEX embeddings_of_index ON embeddings (index_id)

CREATE TABLE enrichments (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	index_id BIGINT NOT NULL, 
	"key" BLOB NOT NULL, 
	text TEXT NOT NULL, unused_since BIGINT, unused_bytes BIGINT, 
	UNIQUE ("key")
)

CREATE INDEX enrichments_of_index ON enrichments (index_id)

CREATE TABLE index_runs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	index_id BIGINT, 
	state VARCHAR(16) NOT NULL, 
	is_follow_up BOOLEAN NOT NULL, 
	cancel_requested BOOLEAN NOT NULL, 
	created_at BIGINT NOT NULL, 
	started_at BIGINT, 
	finished_at BIGINT, 
	CONSTRAINT state_is_known CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'superseded'))
)

CREATE UNIQUE INDEX one_active_and_one_waiting_run ON index_runs (index_id, is_follow_up) WHERE state IN ('queued', 'running')

CREATE INDEX runs_of_index ON index_runs (index_id, id)

CREATE TABLE indexes (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind VARCHAR(16) NOT NULL, 
	location TEXT NOT NULL, 
	ref TEXT NOT NULL, 
	include TEXT NOT NULL, 
	exclude TEXT NOT NULL, 
	credentials TEXT, 
	commit_id VARCHAR(64), 
	history_commit_id VARCHAR(64), 
	scanned_at_ns BIGINT NOT NULL, 
	skipped TEXT NOT NULL, 
	keyword_generation VARCHAR(64), 
	code_model TEXT, 
	text_model TEXT, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT, 
	deleted_at BIGINT NOT NULL, confinement TEXT, keyword_seq BIGINT, keyword_token BIGINT, code_pack VARCHAR(32), text_pack VARCHAR(32), sync_every INTEGER, submodules BOOLEAN, members BIGINT DEFAULT '0' NOT NULL, shares BOOLEAN DEFAULT 0 NOT NULL, is_store BOOLEAN DEFAULT 0 NOT NULL, host TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT kind_is_known CHECK (kind IN ('git', 'folder'))
)

CREATE TABLE keyword_changes (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	index_id BIGINT NOT NULL, 
	version_id BIGINT NOT NULL, 
	change_set BIGINT NOT NULL, 
	snippet_id BIGINT NOT NULL, 
	op VARCHAR(8) NOT NULL, token BIGINT NOT NULL, 
	CONSTRAINT op_is_known CHECK (op IN ('add', 'remove'))
)

CREATE INDEX keyword_changes_of_index ON keyword_changes (index_id, change_set, seq)

CREATE INDEX keyword_changes_of_snippet ON keyword_changes (snippet_id)

CREATE TABLE pending_snippets (
	index_id BIGINT NOT NULL, 
	stage VARCHAR(32) NOT NULL, 
	snippet_id BIGINT NOT NULL, 
	PRIMARY KEY (index_id, stage, snippet_id), 
	CONSTRAINT stage_is_known CHECK (stage IN ('CODE_EMBEDDINGS', 'ENRICH'))
)
 WITHOUT ROWID

CREATE INDEX stages_of_pending_snippet ON pending_snippets (snippet_id)

CREATE TABLE vectors (
	index_id BIGINT NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	snippet_id BIGINT NOT NULL, 
	version_id BIGINT NOT NULL, 
	embedding_id BIGINT NOT NULL, 
	model TEXT NOT NULL, 
	code BLOB NOT NULL, 
	PRIMARY KEY (index_id, kind, snippet_id), 
	CONSTRAINT kind_is_known CHECK (kind IN ('code', 'text'))
)
 WITHOUT ROWID

CREATE INDEX vectors_of_embedding ON vectors (embedding_id)

CREATE INDEX vectors_of_snippet ON vectors (snippet_id)

CREATE TABLE queue_pauses (
	id INTEGER NOT NULL, 
	paused_at BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT only_one_pause CHECK (id = 1)
)

CREATE TABLE tasks (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	run_id INTEGER NOT NULL, 
	index_id BIGINT, 
	type VARCHAR(32) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	priority INTEGER NOT NULL, 
	is_user_initiated BOOLEAN NOT NULL, 
	run_has_started BOOLEAN NOT NULL, 
	payload TEXT NOT NULL, 
	claim_no BIGINT NOT NULL, 
	worker TEXT, 
	lease_expires_at BIGINT, 
	failures INTEGER NOT NULL, 
	cancel_requested BOOLEAN NOT NULL, 
	available_at BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	started_at BIGINT, 
	finished_at BIGINT, 
	progress_operation TEXT, 
	progress_current BIGINT NOT NULL, 
	progress_total BIGINT, 
	work TEXT NOT NULL, 
	error TEXT, error_about TEXT, 
	CONSTRAINT state_is_known CHECK (state IN ('blocked', 'ready', 'running', 'succeeded', 'failed', 'skipped', 'cancelled')), 
	FOREIGN KEY(run_id) REFERENCES index_runs (id)
)

CREATE INDEX claim_order ON tasks (priority DESC, is_user_initiated DESC, created_at, id, available_at, type, run_has_started, state) WHERE state = 'ready'

CREATE INDEX tasks_of_index ON tasks (index_id)

CREATE INDEX tasks_of_run ON tasks (run_id)

CREATE TABLE snippets (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	index_id BIGINT NOT NULL, 
	version_id INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	start_line INTEGER NOT NULL, 
	end_line INTEGER NOT NULL, 
	language VARCHAR(32) NOT NULL, 
	symbol TEXT, 
	kind VARCHAR(16), 
	scope TEXT NOT NULL, 
	content_hash VARCHAR(32) NOT NULL, 
	enrichment_id BIGINT, 
	text TEXT NOT NULL, also_defines TEXT, mentions TEXT, minor_symbols TEXT, extents TEXT, text_id BIGINT, 
	CONSTRAINT state_is_known CHECK (state IN ('live', 'superseded', 'removed')), 
	FOREIGN KEY(version_id) REFERENCES versions (id)
)

CREATE INDEX snippets_of_file ON snippets (version_id, state)

CREATE INDEX snippets_of_enrichment ON snippets (enrichment_id)

CREATE INDEX snippets_by_symbol ON snippets (lower(symbol)) WHERE symbol IS NOT NULL

CREATE TABLE task_attempts (
	task_id INTEGER NOT NULL, 
	claim_no BIGINT NOT NULL, 
	worker TEXT NOT NULL, 
	started_at BIGINT NOT NULL, 
	finished_at BIGINT, 
	outcome VARCHAR(16), 
	error TEXT, error_about TEXT, 
	PRIMARY KEY (task_id, claim_no), 
	CONSTRAINT outcome_is_known CHECK (outcome IN ('succeeded', 'failed', 'retried', 'released', 'lost', 'cancelled')), 
	FOREIGN KEY(task_id) REFERENCES tasks (id)
)
 WITHOUT ROWID

CREATE INDEX runs_by_rank ON index_runs (index_id, is_follow_up, id DESC)

CREATE INDEX runs_by_state ON index_runs (state, id)

CREATE INDEX failed_runs ON index_runs (index_id) WHERE state = 'failed'

CREATE INDEX runs_by_end ON index_runs (finished_at, id) WHERE finished_at IS NOT NULL

CREATE INDEX running_tasks ON tasks (state, type) WHERE state = 'running'

CREATE INDEX tasks_in_back_off ON tasks (available_at) WHERE state = 'ready' AND available_at > 0

CREATE INDEX snippets_of_index ON snippets (index_id, state, kind)

CREATE INDEX unused_embeddings ON embeddings (unused_since, unused_bytes) WHERE unused_since IS NOT NULL

CREATE INDEX unused_enrichments ON enrichments (unused_since, unused_bytes) WHERE unused_since IS NOT NULL

CREATE TABLE descriptions (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	index_id BIGINT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	subject TEXT NOT NULL, 
	"key" BLOB NOT NULL, 
	title TEXT NOT NULL, 
	path TEXT NOT NULL, 
	line INTEGER NOT NULL, 
	words TEXT NOT NULL, 
	CONSTRAINT kind_is_known CHECK (kind IN ('schema', 'commit'))
)

CREATE UNIQUE INDEX descriptions_of_index ON descriptions (index_id, kind, subject)

CREATE TABLE endpoints (
	name TEXT NOT NULL, 
	requests_at BIGINT NOT NULL, 
	tokens_at BIGINT NOT NULL, 
	paused_until BIGINT NOT NULL, 
	reason TEXT, 
	failures INTEGER NOT NULL, 
	failed_at BIGINT NOT NULL, 
	failing_since BIGINT, 
	PRIMARY KEY (name)
)

CREATE TABLE endpoint_places (
	endpoint TEXT NOT NULL, 
	token VARCHAR(32) NOT NULL, 
	task_id BIGINT NOT NULL, 
	claim_no INTEGER NOT NULL, 
	run_id BIGINT NOT NULL, 
	cost BIGINT NOT NULL, 
	input_keys BLOB NOT NULL, 
	expires_at BIGINT NOT NULL, 
	PRIMARY KEY (endpoint, token)
)

CREATE TABLE endpoint_bills (
	month VARCHAR(7) NOT NULL, 
	run_id BIGINT NOT NULL, 
	endpoint TEXT NOT NULL, 
	model TEXT NOT NULL, 
	calls BIGINT NOT NULL, 
	texts BIGINT NOT NULL, 
	input_tokens BIGINT NOT NULL, 
	output_tokens BIGINT NOT NULL, 
	cached BIGINT NOT NULL, 
	cost BIGINT NOT NULL, 
	PRIMARY KEY (month, run_id, endpoint, model)
)

CREATE TABLE embedding_models (
	model TEXT NOT NULL, 
	facts TEXT NOT NULL, 
	PRIMARY KEY (model)
)

CREATE TABLE refused_snippets (
	index_id BIGINT NOT NULL, 
	snippet_id BIGINT NOT NULL, 
	reason TEXT NOT NULL, 
	PRIMARY KEY (index_id, snippet_id)
)
 WITHOUT ROWID

CREATE TABLE workers (
	name TEXT NOT NULL, 
	host TEXT NOT NULL, 
	rules TEXT NOT NULL, 
	entered_at BIGINT NOT NULL, node TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (name)
)

CREATE TABLE versions (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	index_id BIGINT NOT NULL, 
	path TEXT NOT NULL
, digest BIGINT, content_key BLOB, language VARCHAR(32), problem TEXT, unused_since BIGINT, unused_bytes BIGINT, content_hash VARCHAR(64), extractor_version VARCHAR(64))

CREATE INDEX versions_of_index ON versions (index_id)

CREATE TABLE former_versions (
	index_id BIGINT NOT NULL, 
	path_id BIGINT NOT NULL, 
	version_id BIGINT NOT NULL, 
	PRIMARY KEY (index_id, path_id, version_id)
)
 WITHOUT ROWID

CREATE INDEX files_of_former_version ON former_versions (version_id)

CREATE INDEX versions_by_digest ON versions (digest)

CREATE INDEX unused_versions ON versions (index_id, unused_since, unused_bytes) WHERE unused_since IS NOT NULL

CREATE TABLE paths (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	path TEXT NOT NULL, 
	UNIQUE (path)
)

CREATE TABLE file_histories (
	path_id BIGINT NOT NULL, 
	number BIGINT NOT NULL, 
	author TEXT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	PRIMARY KEY (path_id, number)
)
 WITHOUT ROWID

CREATE TABLE stale_files (
	index_id BIGINT NOT NULL, 
	path_id BIGINT NOT NULL, 
	content_hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (index_id, path_id)
)
 WITHOUT ROWID

CREATE TABLE nodes (
	name TEXT NOT NULL, 
	host TEXT NOT NULL, 
	location TEXT NOT NULL, 
	version TEXT NOT NULL, 
	follows BOOLEAN NOT NULL, 
	seen_at BIGINT NOT NULL, searches BOOLEAN DEFAULT 1 NOT NULL, 
	PRIMARY KEY (name)
)

CREATE TABLE node_cursors (
	node TEXT NOT NULL, 
	index_id BIGINT NOT NULL, 
	generation VARCHAR(64) NOT NULL, 
	seq BIGINT NOT NULL, 
	token BIGINT NOT NULL, 
	is_filled BOOLEAN NOT NULL, 
	PRIMARY KEY (node, index_id)
)
 WITHOUT ROWID

CREATE INDEX cursors_in_log ON node_cursors (index_id, seq)

CREATE TABLE keyword_history (
	index_id BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	version_id BIGINT NOT NULL, 
	change_set BIGINT NOT NULL, 
	snippet_id BIGINT NOT NULL, 
	op VARCHAR(8) NOT NULL, 
	token BIGINT NOT NULL, 
	PRIMARY KEY (index_id, seq), 
	CONSTRAINT op_is_known CHECK (op IN ('add', 'remove'))
)
 WITHOUT ROWID

CREATE INDEX keyword_history_of_snippet ON keyword_history (snippet_id)

CREATE TABLE node_packs (
	node TEXT NOT NULL, 
	index_id BIGINT NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	token VARCHAR(32) NOT NULL, 
	PRIMARY KEY (node, index_id, kind), 
	CONSTRAINT kind_is_known CHECK (kind IN ('code', 'text'))
)
 WITHOUT ROWID

CREATE INDEX packs_of_index ON node_packs (index_id)

CREATE UNIQUE INDEX one_index_per_source ON indexes (kind, location, ref, host, deleted_at)

CREATE TABLE deleted_folders (
	location TEXT NOT NULL, 
	host TEXT DEFAULT '' NOT NULL, 
	deleted_at BIGINT NOT NULL, 
	PRIMARY KEY (location, host)
)

CREATE TABLE files (
	index_id BIGINT NOT NULL, 
	path_id BIGINT NOT NULL, 
	version_id BIGINT, 
	history BIGINT, 
	status VARCHAR(16) NOT NULL, 
	size BIGINT NOT NULL, 
	stamp BIGINT NOT NULL, 
	problem TEXT, 
	PRIMARY KEY (index_id, path_id), 
	FOREIGN KEY(index_id) REFERENCES indexes (id), 
	CONSTRAINT status_is_known CHECK (status IN ('', 'a', 'm', 'd'))
)
 WITHOUT ROWID

CREATE INDEX unclean_files ON files (index_id, status, version_id) WHERE status <> ''

CREATE INDEX files_with_problem ON files (index_id, problem, version_id, status) WHERE problem IS NOT NULL

CREATE INDEX files_without_history ON files (index_id, history, status) WHERE history IS NULL

CREATE INDEX files_of_version ON files (version_id)

CREATE TABLE snippet_texts (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	"key" BLOB NOT NULL, 
	text TEXT NOT NULL, 
	UNIQUE ("key")
)

CREATE INDEX snippets_of_text ON snippets (text_id)

INSERT INTO alembic_version VALUES ('0026')
