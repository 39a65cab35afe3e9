// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChannelApp} from "../../apps/ChannelApp.sol";
import {IChannelHub} from "../../interfaces/IChannelHub.sol";
import {
    Asset,
    ChannelNotice,
    Config,
    JoinConsent,
    Label,
    ProposalAction,
    ProposalType
} from "../../types/ChannelTypes.sol";

/// @title An app with nothing of its own, for tests: members bring what they like
contract PlainApp is ChannelApp {
    /// @notice What the hub said last.
    ChannelNotice public lastNotice;
    address public lastMember;
    uint64 public lastHeight;
    /// @notice What took effect through this app last.
    ProposalType public lastAction;

    constructor(IChannelHub hub) ChannelApp(hub) {}

    function open(
        address program,
        bytes calldata initialState,
        Config calldata config,
        Label[] calldata labels
    ) external returns (uint256 channel) {
        return _create(program, initialState, config, labels);
    }

    function join(
        uint256 channel,
        JoinConsent calldata consent,
        bytes calldata signature,
        Asset[] calldata assets
    ) external payable returns (uint64 joinNumber) {
        return _join(channel, consent, signature, assets);
    }

    function quit(uint256 channel) external {
        _leave(channel);
    }

    function close(uint256 channel) external {
        _close(channel);
    }

    function _onNotice(uint256, ChannelNotice notice, address member, uint64 height) internal override {
        (lastNotice, lastMember, lastHeight) = (notice, member, height);
    }

    function _onExecuted(uint256, ProposalAction memory action) internal override {
        lastAction = action.proposalType;
    }
}
