// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IChannelChallenges} from "../interfaces/IChannelChallenges.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {IStakingPool} from "../interfaces/IStakingPool.sol";
import {Channel, Head, Member, Roster} from "../types/ChannelState.sol";
import {Change, ChannelNotice, Settlement, SettlementMode} from "../types/ChannelTypes.sol";
import {ChangeSets} from "./ChangeSets.sol";
import {ChannelLimits} from "./ChannelLimits.sol";
import {ChannelNotices} from "./ChannelNotices.sol";
import {ChannelRoster} from "./ChannelRoster.sol";
import {ChannelTime} from "./ChannelTime.sol";
import {StoreClones} from "./StoreClones.sol";

/// @title How a settlement takes effect
library ChannelSettlements {
    using ChannelRoster for Channel;

    /// @dev It continues what is final, and nothing else is on its way.
    function requireNext(Channel storage self, uint256 channel, Settlement memory settlement) internal view {
        if (settlement.channel != channel || settlement.mode != uint8(self.config.mode)) {
            revert IChannelHub.ChannelHub_NotOfChannel(channel);
        }
        if (self.head.closed) revert IChannelHub.ChannelHub_Closed(channel);
        if (self.head.frozen) revert IChannelChallenges.ChannelHub_Frozen(channel);
        uint256 settling = self.head.settling;
        if (settling != 0) revert IChannelHub.ChannelHub_SettlementInFlight(channel, settling);
        uint64 height = self.head.height;
        if (settlement.fromHeight != height || settlement.toHeight <= height) {
            revert IChannelHub.ChannelHub_WrongHeights(height, settlement.fromHeight, settlement.toHeight);
        }
        uint64 timeMs = self.head.timeMs;
        if (settlement.timeMs < timeMs) revert IChannelHub.ChannelHub_WrongTime(timeMs, settlement.timeMs);
        uint256 latestMs = ChannelTime.nowMs() + ChannelLimits.CLOCK_LEAD_MS;
        if (settlement.timeMs > latestMs) revert IChannelHub.ChannelHub_FutureTime(latestMs, settlement.timeMs);
        (uint64 least, uint64 most) = (self.head.inboxCursor, self.counters.inbox);
        if (settlement.inboxCursor < least || settlement.inboxCursor > most) {
            revert IChannelHub.ChannelHub_WrongCursor(least, most, settlement.inboxCursor);
        }
    }

    /// @dev Writes all changes of a settlement into the store.
    function applyAll(Channel storage self, uint256 channel, bytes32 changesRoot, Change[] calldata changes) internal {
        if (self.config.mode == SettlementMode.Root) {
            if (changes.length != 0) revert IChannelHub.ChannelHub_WrongMode(channel);
            return;
        }
        bytes32 root = ChangeSets.rootOf(changes);
        if (root != changesRoot) revert IChannelHub.ChannelHub_WrongChanges(changesRoot, root);
        if (changes.length != 0) StoreClones.write(self.store, changes);
    }

    /// @dev Moves what is final on, lets go who leaves, and tells the app.
    function finish(
        Channel storage self,
        uint256 channel,
        uint256 proposal,
        IStakingPool pool,
        Settlement memory settlement
    ) internal {
        uint64 closeAt = self.counters.closeAt;
        _enter(
            self,
            channel,
            proposal,
            pool,
            Head({
                height: settlement.toHeight,
                timeMs: settlement.timeMs,
                inboxCursor: settlement.inboxCursor,
                settling: 0,
                locked: false,
                closed: closeAt != 0 && closeAt <= settlement.inboxCursor,
                frozen: false,
                recordHash: settlement.head,
                stateRoot: settlement.stateRoot
            })
        );
    }

    /// @dev Closes a frozen channel, with a settlement that was brought to it or, without one, with what was final. What the store
    /// has is older than that settlement, so nobody reads it any more.
    function end(
        Channel storage self,
        uint256 channel,
        uint256 proposal,
        IStakingPool pool,
        Settlement memory settlement
    ) internal {
        Head memory head = self.head;
        head.closed = true;
        if (proposal != 0) {
            (head.height, head.timeMs) = (settlement.toHeight, settlement.timeMs);
            (head.recordHash, head.stateRoot) = (settlement.head, settlement.stateRoot);
            head.inboxCursor = settlement.inboxCursor;
            head.locked = head.locked || self.config.mode == SettlementMode.Slots;
        }
        _enter(self, channel, proposal, pool, head);
    }

    /// @dev Makes a head the final one.
    function _enter(
        Channel storage self,
        uint256 channel,
        uint256 proposal,
        IStakingPool pool,
        Head memory head
    ) private {
        bool moves = head.height != self.head.height;
        bool closed = head.closed;
        self.head = head;
        if (moves) {
            emit IChannelHub.Settled(channel, proposal, head.height, head.recordHash, head.stateRoot, head.inboxCursor);
        }
        address[] memory left = _letGo(self, channel, pool, head.inboxCursor, closed);
        if (closed) emit IChannelHub.ChannelClosed(channel);

        ChannelNotices.tell(self, channel, ChannelNotice.Settled, address(0));
        for (uint256 i = 0; i < left.length; i++) {
            ChannelNotices.tell(self, channel, ChannelNotice.MemberLeft, left[i]);
        }
        if (closed) ChannelNotices.tell(self, channel, ChannelNotice.Closed, address(0));
    }

    /// @dev Those whose leave or ban is final now; everybody when the channel is closed.
    function _letGo(
        Channel storage self,
        uint256 channel,
        IStakingPool pool,
        uint64 cursor,
        bool closed
    ) private returns (address[] memory left) {
        Roster memory roster = self.roster;
        uint64 going = closed ? roster.seats : roster.leaving;
        if (going == 0) return left;
        left = new address[](ChannelRoster.count(going));
        (uint256 count, uint64 gone) = (0, 0);
        for (uint64 rest = going; rest != 0; rest &= rest - 1) {
            uint256 seat = ChannelRoster.lowest(rest);
            address account = self.seated[seat];
            Member storage member = self.members[account];
            if (!closed && member.leftAt > cursor) continue;
            gone |= ChannelRoster.bit(seat);
            left[count++] = account;
            _free(self, channel, pool, account, member);
        }
        // Shortens the list to those who left.
        assembly ("memory-safe") {
            mstore(left, count)
        }
        if (gone == 0) return left;
        roster.seats &= ~gone;
        roster.banned &= ~gone;
        roster.leaving &= ~gone;
        self.roster = roster;
        self.office.vacancies++;
        if (closed) self.office.leader = address(0);
    }

    /// @dev Gives a member's stake back, to be taken when it likes.
    function _free(
        Channel storage self,
        uint256 channel,
        IStakingPool pool,
        address account,
        Member storage member
    ) private {
        uint256 stakeWei = member.stakeWei;
        (member.gone, member.stakeWei) = (true, 0);
        delete self.accountOf[member.signer];
        emit IChannelHub.MemberLeft(channel, account, stakeWei);
        if (stakeWei == 0) return;
        if (member.pooled) pool.release(account, channel);
        else self.credits[account] += stakeWei;
    }
}
