// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelHub} from "./IChannelHub.sol";

/// @title Who watches channels for members that are offline, and what that is paid
/// @notice Proofs need no member. Whoever brings one to the hub or its court through this contract gets its gas back out of the
/// channel's fund, at the block's base fee, and a premium. Anybody fills a channel's fund; what is left when the channel is
/// closed goes back to those who did, by their shares.
///
/// **Sums**: what is paid is `(gas used + 4 a byte of the proof + BASE_GAS + PREMIUM_GAS) * basefee`, of at most MOST_GAS, and at
/// most what the fund has. A byte is paid as a zero costs, a tip not at all. So more than what was burnt is paid by PREMIUM_GAS at
/// most, and whoever makes the fault itself has to pass a settlement first, or to join a member that is banned for it: that costs
/// more. One proof has one effect, and is paid when it has it.
///
/// **Watchers**: a member names one signer that may follow the channel from the members' nodes; their nodes ask here who that is.
interface IChannelWatch {
    event Funded(uint256 indexed channel, address indexed by, uint256 amountWei);
    event ProofPaid(uint256 indexed channel, address indexed watcher, uint256 paidWei);
    event WatcherAppointed(uint256 indexed channel, address indexed member, address watcher);

    /// @notice Nothing that is paid begins so.
    error ChannelWatch_NoProof(bytes4 selector);
    /// @notice The settlement has not passed, or is not the highest one of a frozen channel.
    error ChannelWatch_NotInFlight(uint256 channel, uint256 proposal);
    /// @notice What was brought did not do what is paid for.
    error ChannelWatch_NoEffect(uint256 channel);
    /// @notice The channel goes on: its fund stays.
    error ChannelWatch_NotClosed(uint256 channel);
    /// @notice Nothing of it is this account's.
    error ChannelWatch_NothingLeft(address account);
    /// @notice Who names a watcher is a member.
    error ChannelWatch_NotMember(uint256 channel, address account);

    /// @notice Adds to what a channel's watchers are paid of. Anyone.
    function fund(uint256 channel) external payable;

    /// @notice Gives the share of a contributor back. Anyone, once the channel is closed.
    /// @dev Reverts with _NotClosed, _NothingLeft.
    function takeBack(uint256 channel, address account) external returns (uint256 amountWei);

    /// @notice Brings a proof that makes a settlement void: `IChannelHub.refuteChanges`, one of those of `IChannelChallenges`, or
    /// an accusation of `IChannelCourt` whose record the settlement has. Anyone.
    /// @param proof The call.
    /// @return paidWei What the caller can withdraw for it.
    /// @dev Reverts with _NoProof, _NotInFlight, _NoEffect, and as the hub and the court.
    function prove(uint256 channel, uint256 proposal, bytes calldata proof) external returns (uint256 paidWei);

    /// @notice Brings an accusation of `IChannelCourt` that bans a member; one that is banned already can be convicted of other
    /// terms, and nobody is paid for that. The reporter's half of a fine is shared by the other members. Anyone.
    /// @dev Reverts as `prove`.
    function convict(uint256 channel, address member, bytes calldata proof) external returns (uint256 paidWei);

    /// @notice Brings `IChannelChallenges.freeze` or `conclude`. Anyone.
    /// @dev Reverts as `prove`.
    function end(uint256 channel, bytes calldata call_) external returns (uint256 paidWei);

    /// @notice Sends the caller what it was paid.
    /// @dev Reverts with _NothingLeft, or as the receiver.
    function withdraw(address to) external returns (uint256 amountWei);

    /// @notice Names the signer of a node that watches for the caller; zero: none any more.
    /// @dev Reverts with _NotMember.
    function appoint(uint256 channel, address watcher) external;

    /// @notice Those that members of the channel have named.
    function watchersOf(uint256 channel) external view returns (address[] memory);

    function fundOf(uint256 channel) external view returns (uint256 leftWei);

    function creditOf(address watcher) external view returns (uint256 amountWei);

    function hub() external view returns (IChannelHub);
}
