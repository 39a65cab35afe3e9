// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IChannelChallenges} from "../interfaces/IChannelChallenges.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IChannelWatch} from "../interfaces/IChannelWatch.sol";
import {Ether} from "../libraries/Ether.sol";
import {MemberView, ProposalState} from "../types/ChannelTypes.sol";

/// @title Who watches channels and what that is paid, see {IChannelWatch}
contract ChannelWatch is IChannelWatch {
    /// @notice Of a transaction, and what is read and written here.
    uint256 public constant BASE_GAS = 60_000;
    /// @notice Less than what it costs to pass a settlement, so that nobody earns by faults of its own.
    uint256 public constant PREMIUM_GAS = 60_000;
    uint256 public constant MOST_GAS = 8_000_000;
    /// @notice What a byte costs at least.
    uint256 private constant BYTE_GAS = 4;

    /// @dev What a channel's watchers are paid of.
    struct Fund {
        uint256 leftWei;
        uint256 givenWei;
        mapping(address account => uint256 amountWei) givenBy;
    }

    IChannelHub private immutable HUB;
    mapping(uint256 channel => Fund) private _funds;
    mapping(address watcher => uint256 amountWei) private _credits;
    mapping(uint256 channel => mapping(address member => address watcher)) private _watchers;

    constructor(IChannelHub hub_) {
        HUB = hub_;
    }

    /// @inheritdoc IChannelWatch
    function fund(uint256 channel) external payable {
        // Reverts for a channel that is not there.
        HUB.channelOf(channel);
        Fund storage self = _funds[channel];
        self.leftWei += msg.value;
        self.givenWei += msg.value;
        self.givenBy[msg.sender] += msg.value;
        emit Funded(channel, msg.sender, msg.value);
    }

    /// @inheritdoc IChannelWatch
    function takeBack(uint256 channel, address account) external returns (uint256 amountWei) {
        if (!HUB.channelOf(channel).closed) revert ChannelWatch_NotClosed(channel);
        Fund storage self = _funds[channel];
        uint256 givenWei = self.givenBy[account];
        if (givenWei == 0) revert ChannelWatch_NothingLeft(account);
        amountWei = Math.mulDiv(self.leftWei, givenWei, self.givenWei);
        self.givenBy[account] = 0;
        self.givenWei -= givenWei;
        self.leftWei -= amountWei;
        Ether.pay(account, amountWei);
    }

    /// @inheritdoc IChannelWatch
    function prove(uint256 channel, uint256 proposal, bytes calldata proof) external returns (uint256 paidWei) {
        uint256 gasBefore = gasleft();
        if (!_isInFlight(channel, proposal)) revert ChannelWatch_NotInFlight(channel, proposal);
        _bring(_isOfHub(bytes4(proof)) ? address(HUB) : address(HUB.court()), proof);
        if (HUB.proposalOf(channel, proposal).state != ProposalState.Rejected) revert ChannelWatch_NoEffect(channel);
        return _pay(channel, gasBefore, proof.length);
    }

    /// @inheritdoc IChannelWatch
    function convict(uint256 channel, address member, bytes calldata proof) external returns (uint256 paidWei) {
        uint256 gasBefore = gasleft();
        uint256 bannedBefore = HUB.memberOf(channel, member).bannedUntilMs;
        _bring(address(HUB.court()), proof);
        if (HUB.memberOf(channel, member).bannedUntilMs == bannedBefore) revert ChannelWatch_NoEffect(channel);
        return _pay(channel, gasBefore, proof.length);
    }

    /// @inheritdoc IChannelWatch
    function end(uint256 channel, bytes calldata call_) external returns (uint256 paidWei) {
        uint256 gasBefore = gasleft();
        bytes4 selector = bytes4(call_);
        bool isEnd = selector == IChannelChallenges.freeze.selector || selector == IChannelChallenges.conclude.selector;
        if (!isEnd) revert ChannelWatch_NoProof(selector);
        (bool wasFrozen, bool wasClosed) = _endOf(channel);
        _bring(address(HUB), call_);
        (bool isFrozen, bool isClosed) = _endOf(channel);
        if (wasFrozen == isFrozen && wasClosed == isClosed) revert ChannelWatch_NoEffect(channel);
        return _pay(channel, gasBefore, call_.length);
    }

    /// @inheritdoc IChannelWatch
    function withdraw(address to) external returns (uint256 amountWei) {
        amountWei = _credits[msg.sender];
        if (amountWei == 0) revert ChannelWatch_NothingLeft(msg.sender);
        _credits[msg.sender] = 0;
        Ether.pay(to, amountWei);
    }

    /// @inheritdoc IChannelWatch
    function appoint(uint256 channel, address watcher) external {
        MemberView memory member = HUB.memberOf(channel, msg.sender);
        if (member.joinNumber == 0 || member.gone) revert ChannelWatch_NotMember(channel, msg.sender);
        _watchers[channel][msg.sender] = watcher;
        emit WatcherAppointed(channel, msg.sender, watcher);
    }

    /// @inheritdoc IChannelWatch
    function watchersOf(uint256 channel) external view returns (address[] memory watchers) {
        watchers = HUB.membersOf(channel);
        uint256 count;
        for (uint256 i = 0; i < watchers.length; i++) {
            address watcher = _watchers[channel][watchers[i]];
            if (watcher != address(0)) watchers[count++] = watcher;
        }
        // Shortens the list to those that were named.
        assembly ("memory-safe") {
            mstore(watchers, count)
        }
    }

    /// @inheritdoc IChannelWatch
    function fundOf(uint256 channel) external view returns (uint256 leftWei) {
        return _funds[channel].leftWei;
    }

    /// @inheritdoc IChannelWatch
    function creditOf(address watcher) external view returns (uint256 amountWei) {
        return _credits[watcher];
    }

    /// @inheritdoc IChannelWatch
    function hub() external view returns (IChannelHub) {
        return HUB;
    }

    function _bring(address to, bytes calldata call_) private {
        Address.functionCall(to, call_);
    }

    /// @dev The fund is asked last: what is paid is of the effect that was seen.
    function _pay(uint256 channel, uint256 gasBefore, uint256 length) private returns (uint256 paidWei) {
        Fund storage self = _funds[channel];
        uint256 gas = gasBefore - gasleft() + length * BYTE_GAS + BASE_GAS + PREMIUM_GAS;
        paidWei = Math.min(Math.min(gas, MOST_GAS) * block.basefee, self.leftWei);
        self.leftWei -= paidWei;
        _credits[msg.sender] += paidWei;
        emit ProofPaid(channel, msg.sender, paidWei);
    }

    /// @dev Whether its becoming void is worth something: members have voted for it, and it would take effect.
    function _isInFlight(uint256 channel, uint256 proposal) private view returns (bool) {
        if (HUB.freezeOf(channel).frozen) return HUB.freezeOf(channel).best == proposal;
        ProposalState state = HUB.proposalOf(channel, proposal).state;
        return state == ProposalState.Passed || state == ProposalState.Pending;
    }

    function _endOf(uint256 channel) private view returns (bool isFrozen, bool isClosed) {
        return (HUB.freezeOf(channel).frozen, HUB.channelOf(channel).closed);
    }

    /// @dev All else is for the court: it has no entries but accusations that change the hub.
    function _isOfHub(bytes4 selector) private pure returns (bool) {
        return
            selector == IChannelChallenges.proveHead.selector ||
            selector == IChannelChallenges.proveChange.selector ||
            selector == IChannelChallenges.proveOmission.selector ||
            selector == IChannelChallenges.proveSkipped.selector ||
            selector == IChannelHub.refuteChanges.selector;
    }
}
