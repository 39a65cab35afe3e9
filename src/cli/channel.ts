import { addCallCommands } from "./channel-calls.ts";
import { addGuardCommands } from "./channel-guard.ts";
import { addHistoryCommands } from "./channel-history.ts";
import { addMemberCommands } from "./channel-members.ts";
import { addNodeCommand } from "./channel-node.ts";
import { createCommand } from "./create-command.ts";

const channel = createCommand(
  "npm run channel --",
  "Makes channels, joins them, runs a member's node, and calls, watches, settles and verifies what they play.",
);

addNodeCommand(channel);
addMemberCommands(channel);
addCallCommands(channel);
addHistoryCommands(channel);
addGuardCommands(channel);

await channel.parseAsync();
