import { measureGridGas } from "./gas-rows-grid.ts";
for (const { name, value, target, met } of await measureGridGas()) console.log(name, value, target ?? "", met ?? "");
