// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {Channel, HubState} from "../types/ChannelState.sol";
import {Config, Label} from "../types/ChannelTypes.sol";
import {ChannelLimits} from "./ChannelLimits.sol";
import {ChannelTime} from "./ChannelTime.sol";
import {OpcodeScan} from "./OpcodeScan.sol";
import {StoreClones} from "./StoreClones.sol";

/// @title How programs become known, and channels begin
/// @notice Called by ChannelHub with its own state. A library of its own because of the limit on a contract's size.
library ChannelOpenings {
    using SafeCast for uint256;

    /// @notice Of a channel's window, and of the time without a heartbeat: a year.
    uint64 internal constant MAX_SECONDS = 365 days;
    uint256 internal constant MAX_LABELS = 32;

    /// @dev What stores and vaults are clones of.
    struct Originals {
        address store;
        address vault;
    }

    /// @notice See `IChannelHub.registerProgram`.
    function register(HubState storage state, address program) external returns (bytes32 codeHash) {
        codeHash = OpcodeScan.check(program);
        state.programs[program] = codeHash;
        emit IChannelHub.ProgramRegistered(program, codeHash);
    }

    /// @notice See `IChannelHub.create`.
    function create(
        HubState storage state,
        Originals calldata originals,
        address program,
        bytes calldata initialState,
        Config calldata config,
        Label[] calldata labels
    ) external returns (uint256 channel) {
        bytes32 codeHash = state.programs[program];
        if (codeHash == 0) revert IChannelHub.ChannelHub_UnknownProgram(program);
        if (program.codehash != codeHash) {
            revert IChannelHub.ChannelHub_ProgramChanged(program, codeHash, program.codehash);
        }
        _requireGood(config);
        if (labels.length > MAX_LABELS) revert IChannelHub.ChannelHub_TooMany(MAX_LABELS);
        if (initialState.length > ChannelLimits.CALLDATA_BYTES) {
            revert IChannelHub.ChannelHub_TooMany(ChannelLimits.CALLDATA_BYTES);
        }

        channel = ++state.channelCount;
        Channel storage self = state.channels[channel];
        (self.app, self.createdAtMs) = (msg.sender, ChannelTime.nowMs());
        (self.program, self.createdInBlock) = (program, block.number.toUint64());
        (self.codeHash, self.initialStateHash) = (codeHash, keccak256(initialState));
        self.config = config;
        self.head.timeMs = self.createdAtMs;
        for (uint256 i = 0; i < labels.length; i++) {
            self.labels[labels[i].key] = labels[i].value;
        }
        self.store = StoreClones.make(originals.store, program, channel);
        self.vault = Clones.cloneWithImmutableArgs(originals.vault, abi.encode(address(this), channel));
        emit IChannelHub.ChannelCreated(
            channel,
            msg.sender,
            program,
            self.store,
            self.createdAtMs,
            initialState,
            config,
            labels
        );
    }

    function _requireGood(Config calldata config) private pure {
        bool isGood =
            config.maxMembers != 0 &&
                config.maxMembers <= ChannelLimits.MEMBERS &&
                config.windowSeconds <= MAX_SECONDS &&
                config.aliveSeconds <= MAX_SECONDS &&
                config.answerSeconds <= MAX_SECONDS &&
                config.stakeWei <= type(uint128).max;
        // Without ticks there are none to catch up; with them, at least the one that is due.
        if (!isGood || (config.tickMs == 0) != (config.maxCatchUpTicks == 0)) {
            revert IChannelHub.ChannelHub_BadConfig();
        }
    }
}
