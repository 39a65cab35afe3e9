import type { Migrations } from "../postgres/migrate.ts";

/**
 * The tables of stores, and the one function that writes them: all changes in one message and one transaction. A writer names the
 * term that it owns the store in, and the number of its call: a former owner's call comes to nothing, and one that is made again
 * after its answer was lost is not made twice.
 */
export const STORE_TABLES: Migrations = {
  part: "store",
  steps: [
    `
CREATE TABLE sprf.stores (name text PRIMARY KEY, term bigint NOT NULL, calls bigint NOT NULL);
CREATE TABLE sprf.entries (
  store text NOT NULL,
  tbl text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  value bytea NOT NULL,
  PRIMARY KEY (store, tbl, key)
);
CREATE FUNCTION sprf.apply(
  of_store text, of_term bigint, of_call bigint, kinds text[], tbls text[], keys text[], vals bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  owned sprf.stores%ROWTYPE;
  found_value bytea;
BEGIN
  SELECT * INTO owned FROM sprf.stores WHERE name = of_store FOR UPDATE;
  IF owned.term IS DISTINCT FROM of_term THEN
    RAISE EXCEPTION 'another process has opened the store %', of_store USING ERRCODE = 'SP002';
  END IF;
  IF owned.calls = of_call THEN RETURN; END IF;
  FOR i IN 1 .. coalesce(array_length(kinds, 1), 0) LOOP
    IF kinds[i] = 'put' THEN
      INSERT INTO sprf.entries VALUES (of_store, tbls[i], keys[i], vals[i])
        ON CONFLICT (store, tbl, key) DO UPDATE SET value = excluded.value;
    ELSIF kinds[i] = 'delete' THEN
      DELETE FROM sprf.entries WHERE store = of_store AND tbl = tbls[i] AND key = keys[i];
    ELSE
      found_value := NULL;
      SELECT value INTO found_value FROM sprf.entries WHERE store = of_store AND tbl = tbls[i] AND key = keys[i];
      IF kinds[i] = 'expect' THEN
        IF found_value IS DISTINCT FROM vals[i] THEN
          RAISE EXCEPTION '%/% was changed by somebody else', tbls[i], keys[i] USING ERRCODE = 'SP001';
        END IF;
      ELSIF found_value IS NOT NULL THEN
        RAISE EXCEPTION '%/% exists already', tbls[i], keys[i] USING ERRCODE = 'SP001';
      ELSE
        INSERT INTO sprf.entries VALUES (of_store, tbls[i], keys[i], vals[i]);
      END IF;
    END IF;
  END LOOP;
  UPDATE sprf.stores SET calls = of_call WHERE name = of_store;
END $$;
`,
  ],
};

/** What `sprf.apply` raises. */
export const APPLY_STATES = { conflict: "SP001", otherOwner: "SP002" } as const;
