import { z } from "zod";

import { loadSettingsAs, type LoadSettingsInit } from "./load.ts";
import { settingsSchema, type Settings } from "./schema.ts";

const { admin, database, dataDirectory, engines, logLevel, runs } = settingsSchema.shape;
const runnerSettingsSchema = z.object({ admin, database, dataDirectory, engines, logLevel, runs });

/** What a runner needs, which takes part in no network. @throws SprfError `CONFIG_INVALID` */
export async function loadRunnerSettings(
  init: LoadSettingsInit,
): Promise<Pick<Settings, "admin" | "database" | "dataDirectory" | "engines" | "logLevel" | "runs">> {
  return await loadSettingsAs(runnerSettingsSchema, init);
}
