import { manyDifferentialCalls } from "../helpers/channel-settings.ts";
import { itComesToTheSame } from "../helpers/sandbox-differential.ts";

describe("the sandbox against another EVM, at length", () => itComesToTheSame(manyDifferentialCalls()));
