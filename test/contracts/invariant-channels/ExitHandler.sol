// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChannelSignatures} from "../../../contracts/libraries/ChannelSignatures.sol";
import {ChannelSlots} from "../../../contracts/libraries/ChannelSlots.sol";
import {Opening} from "../../../contracts/types/ChannelCourtTypes.sol";
import {
    Ack,
    Asset,
    Batch,
    Change,
    DataKind,
    InboxEntry,
    InboxKind,
    MemberView,
    ProposalState,
    RecordData,
    RecordHeader,
    RecordKind,
    Settlement,
    SettlementMode,
    SignedAck,
    SignedVote
} from "../../../contracts/types/ChannelTypes.sol";
import {ChannelModel} from "./ChannelModel.sol";
import {SmallTree} from "./SmallTree.sol";

/// @dev A channel with a window whose members play, settle, lie, ask, answer, are convicted and leave; with the roots that the
/// chain then wants proofs of. What its members agreed on last is in the model.
contract ExitHandler is ChannelModel {
    uint256 public constant CHANNEL = 2;
    uint256 public constant DATA_SECONDS = 10 minutes;
    uint256 private constant MAX_AMOUNT = 10 ether;
    uint256 private constant BOND = 1 ether;

    /// @dev What a quorum of the members at it would sign.
    RecordHeader private _header;
    Ledger private _ledger;
    /// @dev Of the pending settlement: proposal, and what is true of it.
    uint256 public pending;
    RecordHeader private _pendingHeader;
    mapping(uint256 actor => InboxEntry) private _joins;
    mapping(uint256 actor => InboxEntry) private _leaves;
    mapping(uint256 actor => uint256) public stakes;
    mapping(uint256 actor => uint256[2]) public reclaimed;
    /// @dev Fines of which nobody has anything.
    uint256 public burntWei;
    uint256 private _salt;

    function join(uint256 seed) public {
        uint256 actor = seed % ACTORS;
        uint256 tokenAmount = _roll(seed, "token") % 3 == 0 ? 0 : _roll(seed, "tokens") % MAX_AMOUNT;
        uint256 etherAmount = 1 + (_roll(seed, "ether") % MAX_AMOUNT);
        Asset[] memory assets = _assets(etherAmount, tokenAmount);
        if (!_join(CHANNEL, actor, false, assets)) return;
        stakes[actor] = STAKE;
        MemberView memory member = hub.memberOf(CHANNEL, actors[actor]);
        _joins[actor] = InboxEntry(
            member.joinedAt,
            InboxKind.Join,
            actors[actor],
            uint64(block.timestamp * 1000),
            abi.encode(_signers[actor], member.joinNumber, assets)
        );
        _sync();
        _inbox[CHANNEL][member.joinedAt - 1] = Entry(InboxKind.Join, actor, [etherAmount, tokenAmount]);
    }

    function depart(uint256 seed) public {
        if (_roll(seed, "often") % 4 == 0) _depart(seed % ACTORS);
    }

    /// @dev The members take what is in the inbox, and the program moves something.
    function play(uint256 seed) public {
        if (_isOver()) return;
        Book storage book = _books[CHANNEL];
        uint64 cursor = uint64(_inbox[CHANNEL].length);
        Ledger memory ledger = _header.height > book.height ? _ledger : book.ledger;
        uint64 from = _header.height > book.height ? _header.inboxCursor : book.cursor;
        _take(CHANNEL, ledger, from, cursor);
        _play(ledger, seed);
        uint64 height = _header.height > book.height ? _header.height : book.height;
        _ledger = ledger;
        _header = _headerOf(height + 1 + uint64(seed % 9), SmallTree.rootOf(_changesOf(ledger)), cursor, seed);
    }

    function settle(uint256 seed) public {
        if (_header.height <= _books[CHANNEL].height || pending != 0) return;
        Change[] memory changes = _changesOf(_ledger);
        Settlement memory settlement = _settlementOf(_header, changes);
        (uint256 voters, bool isQuorum) = _voters(seed, settlement.inboxCursor);
        bytes memory call = abi.encodeCall(
            hub.settle,
            (settlement, changes, _votes(CHANNEL, ChannelSignatures.hash(settlement), voters))
        );
        uint256 credits = _credits();
        bool ok = _act("settle", address(this), 0, call);
        if (ok != (isQuorum && !_isOver())) wrong = "C1: quorum";
        if (!ok) return;
        Book storage book = _books[CHANNEL];
        (book.nextHeight, book.nextCursor, book.next) = (settlement.toHeight, settlement.inboxCursor, _ledger);
        (pending, _pendingHeader) = (hub.proposalCount(CHANNEL), _header);
        if (hub.headOf(CHANNEL).height == settlement.toHeight) _end(credits);
    }

    function execute(uint256 seed) public {
        if (pending == 0) return;
        bool isDue = hub.proposalOf(CHANNEL, pending).state == ProposalState.Passed;
        bytes memory call = abi.encodeCall(hub.executeProposal, (CHANNEL, pending, _changesOf(_books[CHANNEL].next)));
        uint256 credits = _credits();
        bool ok = _act("execute", actors[seed % ACTORS], 0, call);
        if (ok != isDue) wrong = "C1: window";
        if (ok) _end(credits);
    }

    /// @dev A quorum gives one of its own everything, and one honest member undoes it: by a proof, or by asking for the data.
    function steal(uint256 seed) public {
        if (_isOver() || pending != 0) return;
        uint64 height = _books[CHANNEL].height + 1 + uint64(seed % 9);
        (uint256 voters, bool isQuorum) = _voters(seed, uint64(_inbox[CHANNEL].length));
        // With all of them in it, it is theirs.
        if (!isQuorum || _isAll(voters)) return;
        Ledger memory ledger;
        ledger.exits[seed % ACTORS] = [uint256(type(uint128).max), uint256(type(uint128).max)];
        Change[] memory changes = _changesOf(ledger);
        bytes32 root = SmallTree.rootOf(changes);
        RecordHeader memory header = _headerOf(height, root, uint64(_inbox[CHANNEL].length), seed);
        Settlement memory settlement = _settlementOf(header, changes);
        bool isProvable = _roll(seed, "how") % 2 == 0;
        if (isProvable) settlement.stateRoot = bytes32(seed);
        SignedVote[] memory votes = _votes(CHANNEL, ChannelSignatures.hash(settlement), voters);
        if (!_act("steal", address(this), 0, abi.encodeCall(hub.settle, (settlement, new Change[](0), votes)))) return;
        uint256 proposal = hub.proposalCount(CHANNEL);
        if (hub.proposalOf(CHANNEL, proposal).state != ProposalState.Pending) wrong = "C5: a theft without a window";
        if (isProvable) _proveHead(proposal, header);
        else _starve(proposal, height, voters);
        if (hub.proposalOf(CHANNEL, proposal).state != ProposalState.Rejected) wrong = "C5: a theft";
    }

    /// @dev Somebody asks for data of a true settlement, and is answered or not at all.
    function demand(uint256 seed) public {
        if (pending == 0) return;
        uint64 height = _pendingHeader.height;
        address actor = actors[seed % ACTORS];
        bytes memory call = abi.encodeCall(hub.demandData, (CHANNEL, pending, DataKind.Records, height, height));
        if (!_act("demand", actor, BOND, call)) return;
        RecordData[] memory records = new RecordData[](1);
        records[0].header = _pendingHeader;
        uint256 before = hub.creditOf(CHANNEL, actor) + hub.creditOf(CHANNEL, address(this));
        call = abi.encodeCall(hub.answerRecords, (CHANNEL, pending, actor, records));
        VM.warp(block.timestamp + (_roll(seed, "late") % DATA_SECONDS));
        if (!_act("answer", address(this), 0, call)) wrong = "an answer";
        uint256 now_ = hub.creditOf(CHANNEL, actor) + hub.creditOf(CHANNEL, address(this));
        if (now_ != before + BOND) wrong = "C4: a bond";
    }

    /// @dev Who signs two records of a height is out, and fined once a term.
    function convict(uint256 seed) public {
        if (_roll(seed, "often") % 6 != 0) return;
        uint256 actor = _roll(seed, "actor") % ACTORS;
        Opening[2] memory openings;
        for (uint256 i = 0; i < openings.length; i++) {
            RecordHeader memory header = _headerOf(1, bytes32(i), 0, seed);
            header.term = uint64(1 + (_roll(seed, "term") % 3));
            openings[i] = _open(header, actor);
        }
        bytes memory call = abi.encodeCall(hub.court().accuseEquivocation, (openings[0], openings[1], 0));
        uint256 before = _credits();
        if (!_actAt("convict", address(hub.court()), actors[seed % ACTORS], 0, call)) return;
        _fined(_credits() - before);
        _sync();
    }

    function withdrawStake(uint256 seed) public {
        address actor = actors[seed % ACTORS];
        uint256 credit = hub.creditOf(CHANNEL, actor);
        uint256 before = actor.balance;
        bytes memory call = abi.encodeCall(hub.withdrawStake, (CHANNEL, actor));
        if (_act("withdrawStake", actor, 0, call) != (credit != 0)) wrong = "C4: stake";
        if (actor.balance - before != credit) wrong = "C4: credit";
    }

    /// @dev Takes what is out by the settled root, as the store has it too.
    function claim(uint256 seed) public {
        if (_isOver()) return;
        (uint256 actor, uint256 asset) = (seed % ACTORS, _roll(seed, "asset") % 2);
        _claim(actor, asset, _books[CHANNEL].ledger);
    }

    function warp(uint256 seed) public {
        VM.warp(block.timestamp + 1 + (seed % 200));
    }

    /// @dev Another number in each state.
    function roll() external view returns (uint256) {
        return uint256(keccak256(abi.encode(hub.channelOf(CHANNEL).inboxLength, _salt, block.timestamp, pending)));
    }

    /// @dev One member leaves, and nobody but it does anything for it; the others bring lies, if they are a quorum. Whether
    /// there was such a member.
    function exitAlone(uint256 seed) public returns (bool) {
        uint256 actor = seed % ACTORS;
        if (_isOver() || !_isIn(actor)) return false;
        MemberView memory member = hub.memberOf(CHANNEL, actors[actor]);
        if (member.leftAt == 0) _depart(actor);
        if (_leaves[actor].index == 0) return false;
        VM.warp(block.timestamp + 3 * (2 * WINDOW + DATA_SECONDS) + 1);
        bool ok = _act("freeze", actors[actor], 0, abi.encodeCall(hub.freeze, (CHANNEL, _leaves[actor])));
        if (!ok) {
            wrong = "C5: freeze";
            return false;
        }
        pending = 0;
        bool isBrought = _bringTruth();
        _bringLies(seed, actor);
        VM.warp(block.timestamp + DATA_SECONDS + 1);
        uint256 credits = _credits();
        if (!_act("conclude", actors[actor], 0, abi.encodeCall(hub.conclude, (CHANNEL)))) wrong = "C5: conclude";
        _freed(credits);
        Book storage book = _books[CHANNEL];
        if (isBrought) (book.height, book.cursor, book.ledger) = (_header.height, _header.inboxCursor, _ledger);
        book.closed = true;
        if (hub.headOf(CHANNEL).height != book.height) wrong = "C5: another head";
        return true;
    }

    /// @dev What a member owns at the head that counts, and what came in too late for it, to the wei; with its stake.
    function takeAll(uint256 actor) public {
        Book storage book = _books[CHANNEL];
        Ledger memory ledger = book.ledger;
        if (_joins[actor].index > book.cursor) {
            Entry memory entry = _inbox[CHANNEL][_joins[actor].index - 1];
            bytes memory call = abi.encodeCall(hub.reclaim, (CHANNEL, _joins[actor]));
            if (!_act("reclaim", actors[actor], 0, call)) wrong = "C5: reclaim";
            for (uint256 asset = 0; asset < 2; asset++) reclaimed[actor][asset] += entry.amounts[asset];
        }
        for (uint256 asset = 0; asset < 2; asset++) _claim(actor, asset, ledger);
        withdrawStake(actor);
    }

    function _claim(uint256 actor, uint256 asset, Ledger memory ledger) private {
        bool isClosed = _books[CHANNEL].closed;
        uint256 due = ledger.exits[actor][asset] - paid[CHANNEL][actor][asset];
        if (isClosed) due += ledger.owned[actor][asset] + reclaimed[actor][asset];
        uint256 before = asset == 0 ? actors[actor].balance : token.balanceOf(actors[actor]);
        bool ok = _act("claimByProof", address(this), 0, _claimCall(actor, asset, ledger));
        uint256 got = (asset == 0 ? actors[actor].balance : token.balanceOf(actors[actor])) - before;
        if (ok != (due != 0) || got != due) wrong = "C5: claim";
        paid[CHANNEL][actor][asset] += got;
    }

    function _claimCall(uint256 actor, uint256 asset, Ledger memory ledger) private view returns (bytes memory) {
        Change[] memory state = _changesOf(ledger);
        address account = actors[actor];
        bytes32 key = assetKey(asset);
        return
            abi.encodeCall(
                hub.claimByProof,
                (
                    CHANNEL,
                    account,
                    key,
                    SmallTree.prove(state, ChannelSlots.exitsSlot(account, key)),
                    SmallTree.prove(state, ChannelSlots.ownedSlot(account, key))
                )
            );
    }

    function _end(uint256 creditsBefore) private {
        pending = 0;
        _finish(CHANNEL);
        _freed(creditsBefore);
    }

    function _depart(uint256 actor) private {
        if (!_act("leave", actors[actor], 0, abi.encodeCall(hub.requestExit, (CHANNEL)))) return;
        uint64 index = hub.memberOf(CHANNEL, actors[actor]).leftAt;
        _leaves[actor] = InboxEntry(index, InboxKind.Leave, actors[actor], uint64(block.timestamp * 1000), "");
        _sync();
        _inbox[CHANNEL][index - 1] = Entry(InboxKind.Leave, actor, [uint256(0), 0]);
    }

    /// @dev Entries that change nobody's ledger stand for those that nobody has noted: terms, and bans of who left already.
    function _sync() private {
        uint256 length = hub.channelOf(CHANNEL).inboxLength;
        while (_inbox[CHANNEL].length < length) {
            _inbox[CHANNEL].push(Entry(InboxKind.Term, 0, [uint256(0), 0]));
        }
        for (uint256 actor = 0; actor < ACTORS; actor++) {
            if (!_isIn(actor)) continue;
            uint64 leftAt = hub.memberOf(CHANNEL, actors[actor]).leftAt;
            if (leftAt != 0) _inbox[CHANNEL][leftAt - 1] = Entry(InboxKind.Leave, actor, [uint256(0), 0]);
        }
    }

    function _proveHead(uint256 proposal, RecordHeader memory header) private {
        uint256 before = _credits();
        bytes memory call = abi.encodeCall(hub.proveHead, (CHANNEL, proposal, header, new bytes32[](0)));
        if (!_act("proveHead", address(this), 0, call)) wrong = "C5: a proof";
        _fined(_credits() - before);
        _sync();
    }

    /// @dev An honest member asks, and nobody answers.
    function _starve(uint256 proposal, uint64 height, uint256 voters) private {
        for (uint256 i = 0; i < ACTORS; i++) {
            if (voters & (1 << i) != 0 || !_isIn(i)) continue;
            bytes memory call = abi.encodeCall(hub.demandData, (CHANNEL, proposal, DataKind.Records, height, height));
            if (!_act("demand", actors[i], BOND, call)) wrong = "C5: a demand";
            VM.warp(block.timestamp + DATA_SECONDS + 1);
            call = abi.encodeCall(hub.resolveDemand, (CHANNEL, proposal, actors[i]));
            if (!_act("resolve", actors[i], 0, call)) wrong = "C5: no answer";
            return;
        }
        wrong = "C5: nobody is honest";
    }

    /// @dev The highest certified head, if there is one above what is final.
    function _bringTruth() private returns (bool) {
        if (_header.height <= _books[CHANNEL].height) return false;
        Change[] memory changes = _changesOf(_ledger);
        Settlement memory settlement = _settlementOf(_header, changes);
        SignedAck[] memory acks = _acks(_header, type(uint256).max);
        return _act("bring", address(this), 0, abi.encodeCall(hub.bring, (settlement, _header, acks, changes)));
    }

    /// @dev All but one certify thefts, in a later term; that one asks for their data.
    function _bringLies(uint256 seed, uint256 honest) private {
        Ledger memory ledger;
        ledger.exits[(honest + 1) % ACTORS] = [uint256(type(uint128).max), uint256(type(uint128).max)];
        Change[] memory changes = _changesOf(ledger);
        bytes32 root = SmallTree.rootOf(changes);
        uint256[] memory lies = new uint256[](3);
        for (uint64 i = 0; i < 3; i++) {
            uint64 height = _books[CHANNEL].height + 1 + i;
            RecordHeader memory header = _headerOf(height, root, uint64(_inbox[CHANNEL].length), seed);
            header.term += 3;
            Settlement memory settlement = _settlementOf(header, changes);
            SignedAck[] memory acks = _acks(header, ~(1 << honest));
            bytes memory call = abi.encodeCall(hub.bring, (settlement, header, acks, changes));
            if (!_act("bring a lie", address(this), 0, call)) continue;
            lies[i] = hub.proposalCount(CHANNEL);
            call = abi.encodeCall(hub.demandData, (CHANNEL, lies[i], DataKind.Records, height, height));
            if (!_act("demand", actors[honest], BOND, call)) wrong = "C5: a demand";
        }
        VM.warp(block.timestamp + DATA_SECONDS + 1);
        for (uint256 i = 0; i < 3; i++) {
            if (lies[i] == 0) continue;
            bytes memory call = abi.encodeCall(hub.resolveDemand, (CHANNEL, lies[i], actors[honest]));
            if (!_act("resolve", actors[honest], 0, call)) wrong = "C5: no answer";
        }
    }

    /// @dev After fines, of which others have `sharedWei`.
    function _fined(uint256 sharedWei) private {
        uint256 finesWei;
        for (uint256 i = 0; i < ACTORS; i++) {
            if (!_isIn(i)) continue;
            uint256 fineWei = stakes[i] - hub.memberOf(CHANNEL, actors[i]).stakeWei;
            if (fineWei > FINE) wrong = "C4: fine";
            stakes[i] -= fineWei;
            finesWei += fineWei;
        }
        if (2 * sharedWei > finesWei) wrong = "C4: shares";
        burntWei += finesWei - sharedWei;
    }

    /// @dev After a settlement took effect: who is gone has its stake, less its fines.
    function _freed(uint256 creditsBefore) private {
        uint256 stakesWei;
        for (uint256 i = 0; i < ACTORS; i++) {
            if (_isIn(i)) continue;
            stakesWei += stakes[i];
            stakes[i] = 0;
        }
        if (_credits() != creditsBefore + stakesWei) wrong = "C5: stakes";
    }

    function _credits() private view returns (uint256 credits) {
        for (uint256 i = 0; i < ACTORS; i++) credits += hub.creditOf(CHANNEL, actors[i]);
    }

    function _headerOf(
        uint64 height,
        bytes32 root,
        uint64 cursor,
        uint256 seed
    ) private returns (RecordHeader memory header) {
        header.channel = CHANNEL;
        header.term = hub.channelOf(CHANNEL).term;
        header.height = height;
        header.kind = uint8(RecordKind.Call);
        header.timeMs = uint64(block.timestamp * 1000);
        header.previous = keccak256(abi.encode(seed, _salt++));
        header.inputHash = keccak256("");
        header.touchedHash = keccak256("");
        header.writesHash = keccak256("");
        header.status = 1;
        header.stateRoot = root;
        header.inboxCursor = cursor;
    }

    function _settlementOf(
        RecordHeader memory header,
        Change[] memory changes
    ) private view returns (Settlement memory settlement) {
        settlement.channel = CHANNEL;
        settlement.fromHeight = _books[CHANNEL].height;
        settlement.toHeight = header.height;
        settlement.timeMs = header.timeMs;
        settlement.head = keccak256(abi.encode(header));
        // As if the last record were the only one: nothing else is looked at here.
        settlement.recordsRoot = settlement.head;
        settlement.stateRoot = header.stateRoot;
        settlement.changesRoot = this.rootOf(changes);
        settlement.inboxCursor = header.inboxCursor;
        settlement.mode = uint8(SettlementMode.Slots);
    }

    function _open(RecordHeader memory header, uint256 actor) private returns (Opening memory opening) {
        opening.header = header;
        (opening.first, opening.last) = (header.height, header.height);
        Batch memory batch = Batch(CHANNEL, header.term, header.height, header.height, keccak256(abi.encode(header)));
        opening.signature = _signAs(actor, ChannelSignatures.digestOf(address(hub), ChannelSignatures.hash(batch)));
    }

    /// @dev Acks of those members at a record whose bit is set.
    function _acks(RecordHeader memory header, uint256 by) private returns (SignedAck[] memory acks) {
        acks = new SignedAck[](ACTORS);
        uint256 count;
        Ack memory ack = Ack(CHANNEL, header.term, header.height, keccak256(abi.encode(header)), 0);
        bytes32 digest = ChannelSignatures.digestOf(address(hub), ChannelSignatures.hash(ack));
        for (uint256 i = 0; i < ACTORS; i++) {
            MemberView memory member = hub.memberOf(CHANNEL, actors[i]);
            bool isThere =
                _isIn(i) &&
                    member.joinedAt <= header.inboxCursor &&
                    (member.leftAt == 0 || member.leftAt > header.inboxCursor);
            if (isThere && by & (1 << i) != 0) acks[count++] = SignedAck(actors[i], 0, _signAs(i, digest));
        }
        assembly ("memory-safe") {
            mstore(acks, count)
        }
    }

    /// @dev Some of those who may vote, and whether they are a quorum of all that count.
    function _voters(uint256 seed, uint64 cursor) private view returns (uint256 voters, bool isQuorum) {
        (uint256 all, uint256 count, uint256 silent) = (0, 0, _roll(seed, "silent") % ACTORS);
        for (uint256 i = 0; i < ACTORS; i++) {
            MemberView memory member = hub.memberOf(CHANNEL, actors[i]);
            if (!_isIn(i) || _isBanned(i)) continue;
            all++;
            if (member.joinedAt > cursor || i == silent || _roll(seed ^ i, "votes") % 9 == 0) continue;
            voters |= 1 << i;
            count++;
        }
        isQuorum = 3 * count > 2 * all;
    }

    function _isAll(uint256 voters) private view returns (bool) {
        for (uint256 i = 0; i < ACTORS; i++) {
            if (_isIn(i) && voters & (1 << i) == 0) return false;
        }
        return true;
    }

    function _isIn(uint256 actor) private view returns (bool) {
        MemberView memory member = hub.memberOf(CHANNEL, actors[actor]);
        return member.joinNumber != 0 && !member.gone;
    }

    /// @dev In this stay.
    function _isBanned(uint256 actor) private view returns (bool) {
        return stakes[actor] != STAKE && _isIn(actor);
    }

    function _isOver() private view returns (bool) {
        return hub.freezeOf(CHANNEL).frozen || hub.channelOf(CHANNEL).closed;
    }
}
