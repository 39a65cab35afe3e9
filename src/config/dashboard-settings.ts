import { z } from "zod";

import { loadSettingsAs, type LoadSettingsInit } from "./load.ts";
import { networksSchema, settingsSchema } from "./schema.ts";

const engines = settingsSchema.shape.engines.unwrap();

/** What a dashboard needs of a daemon's settings: a chain, and for programs a ledger and engines. */
const dashboardSettingsSchema = z.object({
  networks: z.object({
    chain: networksSchema.shape.chain,
    /** Absent: there is nothing to show of programs. */
    ledger: networksSchema.shape.ledger.optional(),
  }),
  /** What runs steps again; each is looked for when it is needed. */
  engines: engines.extend({ kinds: engines.shape.kinds.unwrap().default(["wasi", "docker"]) }).prefault({}),
  /** As whom channels are read that are their members' alone; without one, as nobody. */
  identity: settingsSchema.shape.identity,
  dataDirectory: settingsSchema.shape.dataDirectory,
  logLevel: settingsSchema.shape.logLevel,
});

export type DashboardSettings = z.output<typeof dashboardSettingsSchema>;

/** @throws SprfError `CONFIG_INVALID` naming the first field that is wrong, and the variable that sets it */
export async function loadDashboardSettings(init: LoadSettingsInit): Promise<DashboardSettings> {
  return await loadSettingsAs(dashboardSettingsSchema, init);
}
