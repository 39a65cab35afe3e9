import type { Command } from "commander";

import { addCallCommands } from "./channel-calls.ts";
import { addGuardCommands } from "./channel-guard.ts";
import { addHistoryCommands } from "./channel-history.ts";
import { addMemberCommands } from "./channel-members.ts";
import { addNodeCommand } from "./channel-node.ts";

/** The commands of `sprf channel`. */
export function defineChannel(channel: Command): void {
  addNodeCommand(channel);
  addMemberCommands(channel);
  addCallCommands(channel);
  addHistoryCommands(channel);
  addGuardCommands(channel);
}
