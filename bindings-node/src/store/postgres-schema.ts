// The tables and functions in PostgreSQL, and how older ones become newer: one entry a version, never changed once it was
// shipped. A commit is one call of a function: one round trip, one transaction, and the lock that puts commits into an order is
// held for as long as the server works, not for as long as the network takes.

/** A name that needs no quotes: what may stand in the statements below. */
export function checkedSchema(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,39}$/.test(name)) throw new Error(`the schema's name ${JSON.stringify(name)} is none: 1 to 40 small letters, digits and _, no digit first`);
  return name;
}

/** The channel of a schema. */
export const channelOf = (schema: string): string => `credpool_${schema}`;

const NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

export const MIGRATIONS: readonly ((schema: string) => string)[] = [
  (schema) => `
CREATE TABLE ${schema}.entry (
  kind text COLLATE "C" NOT NULL,
  owner bigint NOT NULL, -- an id that is a number; 0 where it is a text
  name text COLLATE "C" NOT NULL, -- an id that is a text; empty where it is a number
  version bigint NOT NULL,
  generation bigint NOT NULL,
  data text, -- NULL: a tombstone
  secret text,
  PRIMARY KEY (kind, owner, name)
);
CREATE INDEX entry_by_generation ON ${schema}.entry (generation);
CREATE INDEX entry_gone ON ${schema}.entry (generation) WHERE data IS NULL;
CREATE TABLE ${schema}.state (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  generation bigint NOT NULL DEFAULT 0,
  forgotten bigint NOT NULL DEFAULT 0, -- tombstones up to this generation have been dropped
  last_id bigint NOT NULL DEFAULT 0 -- ids up to this were given
);
INSERT INTO ${schema}.state DEFAULT VALUES;
-- What was committed lately: who lost the answer asks again and gets it.
CREATE TABLE ${schema}.made (token uuid PRIMARY KEY, generation bigint NOT NULL, ids bigint[] NOT NULL, versions bigint[] NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX made_by_time ON ${schema}.made (at);
CREATE TABLE ${schema}.lease (key text COLLATE "C" PRIMARY KEY, owner text NOT NULL, fence bigint NOT NULL, expires bigint NOT NULL);
CREATE TABLE ${schema}.log (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, log text COLLATE "C" NOT NULL, at bigint NOT NULL, data text NOT NULL);
CREATE INDEX log_by_time ON ${schema}.log (log, at, number);
CREATE TABLE ${schema}.cache (key text COLLATE "C" PRIMARY KEY, value text NOT NULL, expires bigint NOT NULL);
CREATE INDEX cache_by_end ON ${schema}.cache (expires);

CREATE FUNCTION ${schema}.commit_all(
  _token uuid, _kinds text[], _owners bigint[], _names text[], _expected bigint[], _datas text[], _secrets text[], _tombstones bigint,
  OUT made_ok boolean, OUT made_generation bigint, OUT made_ids bigint[], OUT made_versions bigint[], OUT refused json
) LANGUAGE plpgsql SET search_path = ${schema}, pg_temp AS $$
DECLARE
  _before bigint;
  _last bigint;
  _old entry%ROWTYPE;
  _found boolean;
  _deleted boolean := false;
  _conflicts json[] := '{}';
  _id bigint;
  _version bigint;
  _oldest bigint;
BEGIN
  -- One commit after the other: nobody sees a generation before all smaller ones.
  SELECT generation, last_id INTO _before, _last FROM state FOR UPDATE;
  SELECT true, generation, ids, versions INTO made_ok, made_generation, made_ids, made_versions FROM made WHERE token = _token;
  IF FOUND THEN RETURN; END IF;
  FOR _at IN 1 .. cardinality(_kinds) LOOP
    CONTINUE WHEN _expected[_at] IS NULL;
    _found := false;
    IF _owners[_at] IS NOT NULL THEN
      SELECT * INTO _old FROM entry WHERE kind = _kinds[_at] AND owner = _owners[_at] AND name = _names[_at] AND data IS NOT NULL;
      _found := FOUND;
    END IF;
    IF (CASE WHEN _found THEN _old.version ELSE 0 END) <> _expected[_at] THEN
      _conflicts := array_append(_conflicts, CASE WHEN _found THEN row_to_json(_old)
        ELSE json_build_object('kind', _kinds[_at], 'owner', coalesce(_owners[_at], 0), 'name', coalesce(_names[_at], ''), 'version', 0, 'generation', _before, 'none', true) END);
    END IF;
  END LOOP;
  IF cardinality(_conflicts) > 0 THEN
    made_ok := false; made_generation := _before; refused := array_to_json(_conflicts);
    RETURN;
  END IF;
  made_ok := true; made_generation := _before + 1; made_ids := '{}'; made_versions := '{}';
  FOR _at IN 1 .. cardinality(_kinds) LOOP
    IF _owners[_at] IS NULL THEN
      IF _datas[_at] IS NULL THEN
        made_ids[_at] := 0; made_versions[_at] := 0;
        CONTINUE;
      END IF;
      _last := _last + 1;
      _id := _last;
    ELSE
      _id := _owners[_at];
      _last := greatest(_last, _id);
    END IF;
    IF _datas[_at] IS NULL THEN
      _deleted := true;
      UPDATE entry SET data = NULL, secret = NULL, generation = made_generation
        WHERE kind = _kinds[_at] AND owner = _id AND name = _names[_at] AND data IS NOT NULL RETURNING version INTO _version;
      IF NOT FOUND THEN SELECT version INTO _version FROM entry WHERE kind = _kinds[_at] AND owner = _id AND name = _names[_at]; END IF;
      _version := coalesce(_version, 0);
    ELSE
      INSERT INTO entry AS e (kind, owner, name, version, generation, data, secret)
        VALUES (_kinds[_at], _id, coalesce(_names[_at], ''), 1, made_generation, _datas[_at], _secrets[_at])
        ON CONFLICT (kind, owner, name) DO UPDATE SET version = e.version + 1, generation = excluded.generation, data = excluded.data, secret = excluded.secret
        RETURNING e.version INTO _version;
    END IF;
    made_ids[_at] := _id; made_versions[_at] := _version;
  END LOOP;
  UPDATE state SET generation = made_generation, last_id = _last;
  INSERT INTO made (token, generation, ids, versions) VALUES (_token, made_generation, made_ids, made_versions);
  IF made_generation % 256 = 0 THEN DELETE FROM made WHERE at < now() - interval '1 hour'; END IF;
  IF _deleted THEN
    SELECT generation INTO _oldest FROM entry WHERE data IS NULL ORDER BY generation DESC LIMIT 1 OFFSET _tombstones;
    IF FOUND THEN
      DELETE FROM entry WHERE data IS NULL AND generation <= _oldest;
      UPDATE state SET forgotten = _oldest;
    END IF;
  END IF;
  PERFORM pg_notify('${channelOf(schema)}', made_generation::text);
END $$;

CREATE FUNCTION ${schema}.append_all(_log text, _ats bigint[], _datas text[], _max_age bigint, _max_entries bigint) RETURNS void
LANGUAGE plpgsql SET search_path = ${schema}, pg_temp AS $$
DECLARE
  _excess bigint;
BEGIN
  INSERT INTO log (log, at, data) SELECT _log, t.at, t.data FROM unnest(_ats, _datas) WITH ORDINALITY AS t (at, data, number) ORDER BY t.number;
  DELETE FROM log WHERE log = _log AND at < ${NOW} - _max_age;
  SELECT count(*) - _max_entries INTO _excess FROM log WHERE log = _log;
  IF _excess > 0 THEN
    DELETE FROM log WHERE number IN (SELECT number FROM log WHERE log = _log ORDER BY at, number LIMIT _excess);
  END IF;
END $$;`,
];

/** Where more rows have changed than these, all are read. */
export const MOST_CHANGED = 5000;

/** The statements of the store, for one schema. */
export function statements(schema: string) {
  const row = "e.kind, e.owner, e.name, e.version, e.generation AS row_generation, e.data, e.secret";
  const order = "ORDER BY e.kind, e.owner = 0, e.owner, e.name";
  return {
    version: `SELECT version FROM ${schema}.version`,
    generation: `SELECT generation FROM ${schema}.state`,
    // One statement, one moment: the generation and the rows belong together.
    loadAll: `SELECT s.generation, s.forgotten, ${row} FROM ${schema}.state s LEFT JOIN ${schema}.entry e ON e.data IS NOT NULL ${order}`,
    // The limit and the order make sure of the index, whatever the planner believes of a generation that it has not seen.
    loadSince: `SELECT s.generation, s.forgotten, ${row} FROM ${schema}.state s
      LEFT JOIN LATERAL (SELECT * FROM ${schema}.entry WHERE generation > $1 ORDER BY generation LIMIT ${MOST_CHANGED + 1}) e ON true ${order}`,
    commit: `SELECT * FROM ${schema}.commit_all($1, $2, $3, $4, $5, $6, $7, $8)`,
    lease: `INSERT INTO ${schema}.lease AS l (key, owner, fence, expires) VALUES ($1, $2, 1, ${NOW} + $3::bigint)
      ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, fence = CASE WHEN l.expires > ${NOW} THEN l.fence ELSE l.fence + 1 END, expires = ${NOW} + $3::bigint
      WHERE l.expires <= ${NOW} OR l.owner = excluded.owner RETURNING owner, fence, expires`,
    renew: `UPDATE ${schema}.lease SET expires = ${NOW} + $4::bigint WHERE key = $1 AND owner = $2 AND fence = $3 AND expires > ${NOW} RETURNING owner, fence, expires`,
    // The fence stays: the next owner's is larger.
    release: `UPDATE ${schema}.lease SET expires = 0 WHERE key = $1 AND owner = $2 AND fence = $3`,
    append: `SELECT ${schema}.append_all($1, $2, $3, $4, $5)`,
    query: `SELECT at, data FROM ${schema}.log WHERE log = $1 AND at >= $2 AND at < $3 ORDER BY at DESC, number DESC LIMIT $4`,
    cacheGet: `SELECT value FROM ${schema}.cache WHERE key = $1 AND expires > ${NOW}`,
    cacheSet: `WITH old AS (DELETE FROM ${schema}.cache WHERE expires <= ${NOW} AND key <> $1) INSERT INTO ${schema}.cache (key, value, expires) VALUES ($1, $2, $3)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires`,
  } as const;
}
