import { z } from "zod";

import { loadSettingsAs, type LoadSettingsInit } from "./load.ts";
import { networksSchema, settingsSchema } from "./schema.ts";

/** What an index needs of a daemon's settings: a chain, and no identity. */
const indexSettingsSchema = z.object({
  networks: z.object({ chain: networksSchema.shape.chain }),
  dataDirectory: settingsSchema.shape.dataDirectory,
  admin: settingsSchema.shape.admin,
  logLevel: settingsSchema.shape.logLevel,
});

export type IndexSettings = z.output<typeof indexSettingsSchema>;

/** @throws SprfError `CONFIG_INVALID` naming the first field that is wrong, and the variable that sets it */
export async function loadIndexSettings(init: LoadSettingsInit): Promise<IndexSettings> {
  return await loadSettingsAs(indexSettingsSchema, init);
}
