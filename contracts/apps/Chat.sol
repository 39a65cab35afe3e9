// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {Asset, ChannelView, Config, JoinConsent, Label, ReadAccess, SettlementMode} from "../types/ChannelTypes.sol";
import {ChannelApp} from "./ChannelApp.sol";
import {ChatProgram} from "./ChatProgram.sol";

/// @title Chats in channels
/// @notice A group belongs to a server, an account, and talks in one channel at a time. Nobody stakes anything. What its last
/// channel settled, its next one goes on from.
contract Chat is ChannelApp {
    /// @notice Label under which a channel has its group's server.
    bytes32 public constant SERVER_LABEL = "server_address";
    /// @notice Label under which a channel has its group's number.
    bytes32 public constant GROUP_LABEL = "chat_group_id";

    uint64 private constant WINDOW_SECONDS = 60;

    /// @notice What its channels run.
    address public immutable PROGRAM;

    mapping(address server => mapping(uint256 groupId => uint256 channel)) private _channels;

    event SessionOpened(address indexed server, uint256 indexed groupId, uint256 indexed channel, string title);
    event SessionClosing(address indexed server, uint256 indexed groupId, uint256 indexed channel);

    /// @notice The group talks already.
    error Chat_Open(address server, uint256 groupId, uint256 channel);
    /// @notice Only the group's server does this.
    error Chat_NotServer(address server, address caller);

    constructor(IChannelHub hub, address program) ChannelApp(hub) {
        PROGRAM = program;
    }

    /// @notice Opens a channel for one of the caller's groups.
    /// @dev Reverts with _Open while the group's last channel is not closed.
    function open(uint256 groupId, string calldata title) external returns (uint256 channel) {
        (uint256 lineCount, bytes32 chain) = _lastOf(msg.sender, groupId);
        Label[] memory labels = new Label[](2);
        labels[0] = Label({key: SERVER_LABEL, value: bytes32(uint256(uint160(msg.sender)))});
        labels[1] = Label({key: GROUP_LABEL, value: bytes32(groupId)});
        channel = _create(PROGRAM, abi.encode(title, lineCount, chain), _config(), labels);
        _channels[msg.sender][groupId] = channel;
        emit SessionOpened(msg.sender, groupId, channel, title);
    }

    /// @notice Joins the caller.
    /// @dev See IChannelHub.join.
    function join(
        uint256 channel,
        JoinConsent calldata consent,
        bytes calldata signature
    ) external payable returns (uint64 joinNumber) {
        return _join(channel, consent, signature, new Asset[](0));
    }

    /// @notice Asks for the caller's leave.
    /// @dev See IChannelHub.leaveFor.
    function quit(uint256 channel) external {
        _leave(channel);
    }

    /// @notice Ends a channel.
    /// @dev The group's server only (_NotServer), see IChannelHub.close.
    function close(uint256 channel) external {
        address server = address(uint160(uint256(HUB.getLabel(channel, SERVER_LABEL))));
        if (msg.sender != server) revert Chat_NotServer(server, msg.sender);
        _close(channel);
        emit SessionClosing(server, uint256(HUB.getLabel(channel, GROUP_LABEL)), channel);
    }

    /// @notice The channel in which a group talks or talked last, zero when it never did.
    function channelOf(address server, uint256 groupId) external view returns (uint256) {
        return _channels[server][groupId];
    }

    /// @dev Where a group's talk stopped.
    function _lastOf(address server, uint256 groupId) private view returns (uint256 lineCount, bytes32 chain) {
        uint256 last = _channels[server][groupId];
        if (last == 0) return (0, 0);
        ChannelView memory channel = HUB.channelOf(last);
        if (!channel.closed) revert Chat_Open(server, groupId, last);
        ChatProgram state = ChatProgram(channel.store);
        return (state.lineCount(), state.chain());
    }

    function _config() private pure returns (Config memory config) {
        config.mode = SettlementMode.Slots;
        config.readAccess = ReadAccess.Members;
        config.maxMembers = 64;
        config.windowSeconds = WINDOW_SECONDS;
    }
}
