import { z } from "zod";

import { loadSettingsAs, type LoadSettingsInit } from "./load.ts";
import { settingsSchema, type Settings } from "./schema.ts";

const engineSettingsSchema = z.object({ engines: settingsSchema.shape.engines });

/** What a command needs that runs programs here and asks no network. @throws SprfError `CONFIG_INVALID` */
export async function loadEngineSettings(init: LoadSettingsInit): Promise<Pick<Settings, "engines">> {
  return await loadSettingsAs(engineSettingsSchema, init);
}
