import { z } from "zod";

import { loadSettingsAs, type LoadSettingsInit } from "./load.ts";
import { networksSchema, settingsSchema } from "./schema.ts";

const engines = settingsSchema.shape.engines.unwrap();

/** What an audit needs of a daemon's settings: a ledger and engines, no chain and no identity. */
const auditSettingsSchema = z.object({
  networks: z.object({ ledger: networksSchema.shape.ledger }),
  /** Both kinds, since a program may have changed from one to the other; each is looked for when it is needed. */
  engines: engines.extend({ kinds: engines.shape.kinds.unwrap().default(["wasi", "docker"]) }).prefault({}),
  dataDirectory: settingsSchema.shape.dataDirectory,
  /** Quieter than a daemon: the progress of an audit is on the same terminal. */
  logLevel: settingsSchema.shape.logLevel.unwrap().default("warn"),
});

export type AuditSettings = z.output<typeof auditSettingsSchema>;

/** @throws SprfError `CONFIG_INVALID` naming the first field that is wrong, and the variable that sets it */
export async function loadAuditSettings(init: LoadSettingsInit): Promise<AuditSettings> {
  return await loadSettingsAs(auditSettingsSchema, init);
}
