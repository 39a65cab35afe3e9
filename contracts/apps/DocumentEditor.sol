// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {Asset, Config, JoinConsent, Label, ReadAccess, SettlementMode} from "../types/ChannelTypes.sol";
import {ChannelApp} from "./ChannelApp.sol";

/// @title Documents that many edit in channels
/// @notice A document belongs to a drive, an account, and is edited in one channel at a time. Each editor stakes 1 ether.
contract DocumentEditor is ChannelApp {
    /// @notice Label under which a channel has its document's drive.
    bytes32 public constant DRIVE_LABEL = "drive_address";
    /// @notice Label under which a channel has its document's number.
    bytes32 public constant FILE_LABEL = "file_id";
    /// @notice What an editor stakes, and what it is fined at most, in wei.
    uint256 public constant STAKE = 1 ether;

    uint64 private constant WINDOW_SECONDS = 60;

    /// @notice What its channels run.
    address public immutable PROGRAM;

    mapping(address drive => mapping(uint256 fileId => uint256 channel)) private _channels;

    event DocumentOpened(address indexed drive, uint256 indexed fileId, uint256 indexed channel, string title);
    event DocumentClosing(address indexed drive, uint256 indexed fileId, uint256 indexed channel);

    /// @notice The document is being edited.
    error DocumentEditor_AlreadyOpen(address drive, uint256 fileId, uint256 channel);
    /// @notice Only the document's drive does this.
    error DocumentEditor_NotDrive(address drive, address caller);

    constructor(IChannelHub hub, address program) ChannelApp(hub) {
        PROGRAM = program;
    }

    /// @notice Opens a channel for one of the caller's documents.
    /// @param begin The text that it begins with, at most DocumentProgram.MAX_CHARACTERS; may be empty.
    /// @dev Reverts with _AlreadyOpen while the document's last channel is not closed.
    function open(uint256 fileId, string calldata title, string calldata begin) external returns (uint256 channel) {
        uint256 last = _channels[msg.sender][fileId];
        if (last != 0 && !HUB.channelOf(last).closed) revert DocumentEditor_AlreadyOpen(msg.sender, fileId, last);
        Label[] memory labels = new Label[](2);
        labels[0] = Label({key: DRIVE_LABEL, value: bytes32(uint256(uint160(msg.sender)))});
        labels[1] = Label({key: FILE_LABEL, value: bytes32(fileId)});
        channel = _create(PROGRAM, abi.encode(title, begin), _config(), labels);
        _channels[msg.sender][fileId] = channel;
        emit DocumentOpened(msg.sender, fileId, channel, title);
    }

    /// @notice Joins the caller. The stake is in the value, or in the pool that the consent names.
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

    /// @notice Ends a channel. Its text stays in its store.
    /// @dev The document's drive only (_NotDrive), see IChannelHub.close.
    function close(uint256 channel) external {
        address drive = address(uint160(uint256(HUB.getLabel(channel, DRIVE_LABEL))));
        if (msg.sender != drive) revert DocumentEditor_NotDrive(drive, msg.sender);
        _close(channel);
        emit DocumentClosing(drive, uint256(HUB.getLabel(channel, FILE_LABEL)), channel);
    }

    /// @notice The channel in which a document is or was edited last, zero when it never was.
    function channelOf(address drive, uint256 fileId) external view returns (uint256) {
        return _channels[drive][fileId];
    }

    function _config() private pure returns (Config memory config) {
        config.mode = SettlementMode.Slots;
        config.readAccess = ReadAccess.Members;
        config.maxMembers = 64;
        config.windowSeconds = WINDOW_SECONDS;
        config.stakeWei = STAKE;
        config.fineWei = STAKE;
    }
}
