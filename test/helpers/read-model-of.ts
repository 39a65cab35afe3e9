import { TABLES } from "../../src/domain/read-model/rows.ts";
import type { Store } from "../../src/ports/store.ts";

const PAGE = 1_000;

/** Every row of the read model in a store, by table and key, for comparison with another one's. */
export async function readModelOf(store: Store): Promise<Readonly<Record<string, unknown>>> {
  const rows: Record<string, unknown> = {};
  for (const { name } of Object.values(TABLES)) {
    for (let after: string | undefined; ;) {
      const page = await store.list(name, { limit: PAGE, ...(after === undefined ? {} : { after }) });
      for (const { key, value } of page) rows[`${name}/${key}`] = JSON.parse(new TextDecoder().decode(value));
      after = page.at(-1)?.key;
      if (page.length < PAGE) break;
    }
  }
  return rows;
}
