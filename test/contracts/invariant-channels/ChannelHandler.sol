// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChannelSignatures} from "../../../contracts/libraries/ChannelSignatures.sol";
import {
    Change,
    InboxKind,
    MemberView,
    Punishment,
    PunishmentReason,
    Settlement
} from "../../../contracts/types/ChannelTypes.sol";
import {ChannelModel} from "./ChannelModel.sol";

/// @dev What members, the app and strangers do, each at any time, and the same in the model.
contract ChannelHandler is ChannelModel {
    uint256 private constant MAX_AMOUNT = 10 ether;

    function join(uint256 seed) public {
        (uint256 channel, uint256 actor) = _where(seed);
        uint256 etherAmount = 1 + (_roll(seed, "ether") % MAX_AMOUNT);
        uint256 tokenAmount = _roll(seed, "token") % 3 == 0 ? 0 : _roll(seed, "tokens") % MAX_AMOUNT;
        address leader = hub.channelOf(channel).leader;
        bool ok = _join(channel, actor, _roll(seed, "pooled") % 2 == 0, _assets(etherAmount, tokenAmount));
        if (!ok) return;
        _inbox[channel].push(Entry(InboxKind.Join, actor, [etherAmount, tokenAmount]));
        if (leader == address(0) && hub.channelOf(channel).term > 1) _note(channel, InboxKind.Term, actor);
    }

    function depart(uint256 seed) public {
        (uint256 channel, uint256 actor) = _where(seed);
        if (_roll(seed, "often") % 3 != 0) return;
        uint64 term = hub.channelOf(channel).term;
        bool ok =
            _roll(seed, "how") % 2 == 0
                ? _act("leave", actors[actor], 0, abi.encodeCall(hub.requestExit, (channel)))
                : _act("leave", address(this), 0, abi.encodeCall(hub.leaveFor, (channel, actors[actor])));
        if (!ok) return;
        _note(channel, InboxKind.Leave, actor);
        if (hub.channelOf(channel).term != term) _note(channel, InboxKind.Term, actor);
    }

    function close(uint256 seed) public {
        // The other channel goes on.
        uint256 channel = 1;
        if (_roll(seed, "often") % 20 != 0) return;
        if (!_act("close", address(this), 0, abi.encodeCall(hub.close, (channel)))) return;
        _note(channel, InboxKind.Close, 0);
        _books[channel].closeAt = uint64(_inbox[channel].length);
        _books[channel].closed = hub.channelOf(channel).closed;
    }

    /// @dev Some members settle what the program did since; only more than two thirds of them may.
    function settle(uint256 seed) public {
        (uint256 channel, ) = _where(seed);
        Book storage book = _books[channel];
        if (book.nextHeight != 0) return;
        Settlement memory settlement;
        settlement.channel = channel;
        settlement.fromHeight = book.height;
        settlement.toHeight = book.height + 1 + uint64(_roll(seed, "heights") % 9);
        settlement.timeMs = hub.headOf(channel).timeMs + 1;
        uint64 entries = uint64(_inbox[channel].length) - book.cursor;
        settlement.inboxCursor =
            book.cursor + (_roll(seed, "all") % 3 == 0 ? uint64(_roll(seed, "some") % (entries + 1)) : entries);
        settlement.head = bytes32(seed);
        Ledger memory ledger = book.ledger;
        _take(channel, ledger, book.cursor, settlement.inboxCursor);
        _play(ledger, seed);
        Change[] memory changes = _changesOf(ledger);
        settlement.changesRoot = this.rootOf(changes);
        (uint256 voters, bool isQuorum) = _voters(seed, channel, settlement.inboxCursor);
        bytes memory call = abi.encodeCall(
            hub.settle,
            (settlement, changes, _votes(channel, ChannelSignatures.hash(settlement), voters))
        );
        bool ok = _act("settle", address(this), 0, call);
        if (ok != (isQuorum && !book.closed)) wrong = "C1: quorum";
        if (!ok) return;
        (book.nextHeight, book.nextCursor) = (settlement.toHeight, settlement.inboxCursor);
        book.next = ledger;
        if (hub.headOf(channel).height == settlement.toHeight) _finish(channel);
    }

    /// @dev Ends what waits for its window, whoever does it.
    function execute(uint256 seed) public {
        uint256 channel = 2;
        Book storage book = _books[channel];
        uint256 proposal = hub.proposalCount(channel);
        Change[] memory changes = _changesOf(book.next);
        uint64 finalAt = proposal == 0 ? 0 : hub.proposalOf(channel, proposal).finalAt;
        bytes memory call = abi.encodeCall(hub.executeProposal, (channel, proposal, changes));
        bool ok = _act("execute", actors[seed % ACTORS], 0, call);
        if (ok && (book.nextHeight == 0 || block.timestamp < finalAt)) wrong = "C1: window";
        if (ok) _finish(channel);
    }

    function punish(uint256 seed) public {
        (uint256 channel, uint256 reporter) = _where(seed);
        if (_roll(seed, "often") % 3 != 0) return;
        uint64 term = hub.channelOf(channel).term;
        Punishment memory punishment = Punishment({
            channel: channel,
            term: term,
            target: _roll(seed, "leader") % 2 == 0
                ? hub.channelOf(channel).leader
                : actors[_roll(seed, "target") % ACTORS],
            height: uint64(seed),
            recordHash: bytes32(seed),
            reason: uint8(PunishmentReason.WrongResult)
        });
        bytes memory call = abi.encodeCall(hub.createProposal, (channel, 2, abi.encode(punishment)));
        if (channel == 2 && _books[channel].nextHeight != 0) return;
        if (!_act("accuse", actors[reporter], 0, call)) return;
        uint256 proposal = hub.proposalCount(channel);
        _accuseWith(seed, channel, proposal, ChannelSignatures.hash(punishment));
        MemberView memory before = hub.memberOf(channel, punishment.target);
        if (
            !_act(
                "punish",
                actors[reporter],
                0,
                abi.encodeCall(hub.executeProposal, (channel, proposal, new Change[](0)))
            )
        ) {
            return;
        }
        MemberView memory now_ = hub.memberOf(channel, punishment.target);
        if (now_.bannedUntilMs != before.bannedUntilMs) _note(channel, InboxKind.Ban, _actorOf(punishment.target));
        if (hub.channelOf(channel).term != term) _note(channel, InboxKind.Term, reporter);
        if (before.stakeWei - now_.stakeWei > FINE) wrong = "C4: fine";
    }

    function claim(uint256 seed) public {
        (uint256 channel, uint256 actor) = _where(seed);
        uint256 asset = _roll(seed, "asset") % 2;
        uint256 due = _due(channel, actor, asset);
        uint256 before = asset == 0 ? actors[actor].balance : token.balanceOf(actors[actor]);
        bytes memory call = abi.encodeCall(hub.claim, (channel, actors[actor], assetKey(asset)));
        bool ok = _act("claim", address(this), 0, call);
        uint256 got = (asset == 0 ? actors[actor].balance : token.balanceOf(actors[actor])) - before;
        if (ok != (due != 0) || got != (ok ? due : 0)) wrong = "C4: claim";
        paid[channel][actor][asset] += got;
    }

    function withdrawStake(uint256 seed) public {
        (uint256 channel, uint256 actor) = _where(seed);
        uint256 credit = hub.creditOf(channel, actors[actor]);
        uint256 before = actors[actor].balance;
        bytes memory call = abi.encodeCall(hub.withdrawStake, (channel, actors[actor]));
        if (_act("withdrawStake", actors[actor], 0, call) != (credit != 0)) wrong = "C4: stake";
        if (actors[actor].balance - before != credit) wrong = "C4: credit";
    }

    function usePool(uint256 seed) public {
        address actor = actors[seed % ACTORS];
        uint256 what = _roll(seed, "what") % 4;
        uint256 amount = _roll(seed, "amount") % (2 * STAKE);
        if (what < 2) _actAt("deposit", address(pool), actor, amount, abi.encodeCall(pool.deposit, (actor)));
        else if (what == 2) _actAt("unbond", address(pool), actor, 0, abi.encodeCall(pool.unbond, (amount)));
        else _actAt("withdraw", address(pool), actor, 0, abi.encodeCall(pool.withdraw, (actor)));
    }

    function warp(uint256 seed) public {
        VM.warp(block.timestamp + 1 + (seed % 200));
    }

    /// @dev Some actors bring what they say to an accusation.
    function _accuseWith(uint256 seed, uint256 channel, uint256 proposal, bytes32 hash) private {
        for (uint256 i = 0; i < ACTORS; i++) {
            if (_roll(seed ^ i, "votes") % 4 == 0) continue;
            bytes memory votes = abi.encodeCall(
                hub.voteBySignatures,
                (channel, proposal, _votes(channel, hash, 1 << i))
            );
            _act("vote", actors[i], 0, votes);
        }
    }

    /// @dev Who votes, of those whose join the settlement took and who were not banned, and whether they are enough: of those who
    /// joined since, too.
    function _voters(
        uint256 seed,
        uint256 channel,
        uint64 cursor
    ) private view returns (uint256 voters, bool isQuorum) {
        (uint256 all, uint256 count) = (0, 0);
        for (uint256 i = 0; i < ACTORS; i++) {
            MemberView memory member = hub.memberOf(channel, actors[i]);
            if (member.joinNumber == 0 || member.gone || _isBanned(channel, i)) continue;
            all++;
            if (member.joinedAt > cursor || _roll(seed ^ i, "votes") % 5 == 0) continue;
            voters |= 1 << i;
            count++;
        }
        isQuorum = 3 * count > 2 * all;
    }

    /// @dev A ban that is not final yet.
    function _isBanned(uint256 channel, uint256 actor) private view returns (bool) {
        Entry[] storage entries = _inbox[channel];
        for (uint256 i = entries.length; i > _books[channel].cursor; i--) {
            if (entries[i - 1].kind == InboxKind.Ban && entries[i - 1].actor == actor) return true;
        }
        return false;
    }

    function _note(uint256 channel, InboxKind kind, uint256 actor) private {
        _inbox[channel].push(Entry(kind, actor, [uint256(0), 0]));
    }

    function _where(uint256 seed) private pure returns (uint256 channel, uint256 actor) {
        return (1 + (_roll(seed, "channel") % CHANNELS), seed % ACTORS);
    }

    function _actorOf(address account) private view returns (uint256 actor) {
        while (actors[actor] != account) actor++;
    }
}
