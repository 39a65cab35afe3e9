// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

import {IDisputes} from "../interfaces/IDisputes.sol";
import {ITesterRegistry} from "../interfaces/ITesterRegistry.sol";
import {IWorkAgreement} from "../interfaces/IWorkAgreement.sol";
import {AgreementArgs} from "../libraries/AgreementArgs.sol";
import {AgreementSpan} from "../libraries/AgreementSpan.sol";
import {EpochTiming} from "../libraries/EpochTiming.sol";
import {EpochVerdicts, Tally} from "../libraries/EpochVerdicts.sol";
import {AgreementState} from "../types/AgreementState.sol";
import {
    AgreementStatus,
    AgreementTerms,
    DrawRequest,
    EpochWindows,
    Outcome,
    SeatReveal,
    SeatStatus,
    SignedCommit,
    TesterSeat,
    WorkerSeat
} from "../types/MarketTypes.sol";

/// @title The testers' side of an agreement: draws, commitments, reveals, and what can be read of it
abstract contract EpochReports is IWorkAgreement {
    using AgreementArgs for bytes;
    using AgreementSpan for AgreementState;
    using AgreementSpan for AgreementTerms;
    using EpochVerdicts for uint256;

    /// @notice Bytes of an evidence CID, at most.
    uint256 public constant MAX_CID_BYTES = 128;

    bytes32 private constant DOMAIN_TYPEHASH = keccak256(
        "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    );
    bytes32 private constant NAME_HASH = keccak256("SPRF WorkAgreement");
    bytes32 private constant VERSION_HASH = keccak256("1");
    bytes32 private constant COMMIT_TYPEHASH = keccak256("Commit(uint256 epoch,bytes32 commitment)");

    ITesterRegistry internal immutable TESTERS;
    IDisputes internal immutable DISPUTES;

    AgreementState internal _state;

    constructor(ITesterRegistry testers_, IDisputes disputes_) {
        TESTERS = testers_;
        DISPUTES = disputes_;
    }

    /// @inheritdoc IWorkAgreement
    function openEpoch(uint256 epoch) external {
        bytes memory args = _args();
        uint256 from = _requireCommitWindow(args, epoch);
        if (_state.draws[epoch].isOpen()) revert WorkAgreement_AlreadyOpen(epoch);
        (_state.draws[epoch], ) = _open(args, epoch, from);
    }

    /// @inheritdoc IWorkAgreement
    function commit(uint256 epoch, bytes32 commitment) external {
        bytes memory args = _args();
        uint256 from = _requireCommitWindow(args, epoch);
        uint256 before = _state.draws[epoch];
        uint256 draw = before;
        if (!draw.isOpen()) (draw, ) = _open(args, epoch, from);
        uint256 seat = _seatOf(draw, epoch);
        if (commitment == bytes32(0)) revert WorkAgreement_ZeroCommitment();
        if (_statusOf(draw, epoch, seat) != SeatStatus.Drawn) revert WorkAgreement_AlreadyCommitted(epoch, msg.sender);
        draw = _back(draw, seat);
        if (draw != before) _state.draws[epoch] = draw;
        _state.seats[epoch][seat] = uint256(_bind(commitment, msg.sender));
        emit VerdictCommitted(epoch, msg.sender, commitment);
    }

    /// @inheritdoc IWorkAgreement
    function commitMany(uint256 epoch, SignedCommit[] calldata commits) external {
        (uint256 draw, address[] memory accounts, bool isNew) = _drawToGroup(epoch);
        if (draw.grouped() != 0) revert WorkAgreement_AlreadyGrouped(epoch);
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, address(this)));
        bytes32[] memory group = new bytes32[](commits.length);
        uint256 seats;
        for (uint256 i = 0; i < commits.length; i++) {
            SignedCommit calldata signed = commits[i];
            uint256 seat = signed.seat;
            // In ascending order, so each seat once.
            if (seat >= accounts.length || seats >> seat != 0) revert WorkAgreement_BadSeat(epoch, seat);
            // Nobody can have committed to a draw that is made only now.
            if (!isNew && _statusOf(draw, epoch, seat) != SeatStatus.Drawn) {
                revert WorkAgreement_AlreadyCommitted(epoch, accounts[seat]);
            }
            _requireSigned(domain, epoch, signed, accounts[seat]);
            seats |= 1 << seat;
            draw = _back(draw, seat);
            group[i] = _bind(signed.commitment, accounts[seat]);
            emit VerdictCommitted(epoch, accounts[seat], signed.commitment);
        }
        if (seats == 0) revert WorkAgreement_ZeroCommitment();
        _state.draws[epoch] = draw.withGroup(seats);
        _state.seats[epoch][EpochVerdicts.GROUP] = uint256(keccak256(abi.encodePacked(group)));
    }

    /// @inheritdoc IWorkAgreement
    function reveal(uint256 epoch, SeatReveal calldata report) external {
        bytes memory args = _args();
        uint256 draw = _drawToReveal(args, epoch);
        if (draw.isGrouped(report.seat)) revert WorkAgreement_BadGroup(epoch);
        bytes32 committed = bytes32(_state.seats[epoch][report.seat]);
        _state.draws[epoch] = _reveal(draw, epoch, report, committed, args.workerCount());
    }

    /// @inheritdoc IWorkAgreement
    function revealMany(uint256 epoch, bytes32[] calldata group, SeatReveal[] calldata reports) external {
        bytes memory args = _args();
        uint256 draw = _drawToReveal(args, epoch);
        uint256 workerCount = args.workerCount();
        uint256 grouped = draw.grouped();
        mapping(uint256 => uint256) storage seats = _state.seats[epoch];
        bool isGroup = uint256(keccak256(abi.encodePacked(group))) == seats[EpochVerdicts.GROUP];
        if (group.length != 0 && !isGroup) revert WorkAgreement_BadGroup(epoch);
        for (uint256 i = 0; i < reports.length; i++) {
            uint256 seat = reports[i].seat;
            bytes32 committed;
            if (draw.isGrouped(seat)) {
                // The place of a seat in its group is the number of grouped seats before it.
                uint256 place = EpochVerdicts.countFlags(grouped & ((1 << seat) - 1));
                if (place >= group.length) revert WorkAgreement_BadGroup(epoch);
                committed = group[place];
            } else {
                committed = bytes32(seats[seat]);
            }
            draw = _reveal(draw, epoch, reports[i], committed, workerCount);
        }
        _state.draws[epoch] = draw;
        if (isGroup && grouped & ~draw.revealed() == 0) delete seats[EpochVerdicts.GROUP];
    }

    /// @inheritdoc IWorkAgreement
    function contest(uint256 epoch) external {
        if (msg.sender != address(DISPUTES)) revert WorkAgreement_NotDisputes(msg.sender);
        _state.draws[epoch] = _state.draws[epoch].withContest();
    }

    /// @inheritdoc IWorkAgreement
    function client() external view returns (address) {
        return _header().client;
    }

    /// @inheritdoc IWorkAgreement
    function number() external view returns (uint256) {
        return _header().number;
    }

    /// @inheritdoc IWorkAgreement
    function terms() external view returns (AgreementTerms memory) {
        return _terms();
    }

    /// @inheritdoc IWorkAgreement
    function workers() external view returns (uint256[] memory ids) {
        WorkerSeat[] memory seats = _terms().workers;
        ids = new uint256[](seats.length);
        for (uint256 i = 0; i < seats.length; i++) {
            ids[i] = seats[i].workerId;
        }
    }

    /// @inheritdoc IWorkAgreement
    function price() external view returns (uint256) {
        return _terms().price();
    }

    /// @inheritdoc IWorkAgreement
    function prices() external view returns (uint256[] memory list) {
        WorkerSeat[] memory seats = _terms().workers;
        list = new uint256[](seats.length);
        for (uint256 i = 0; i < seats.length; i++) {
            list[i] = seats[i].pricePerBlock;
        }
    }

    /// @inheritdoc IWorkAgreement
    function start() external view returns (uint256) {
        return _header().start;
    }

    /// @inheritdoc IWorkAgreement
    function end() external view returns (uint256) {
        return _state.end(_header());
    }

    /// @inheritdoc IWorkAgreement
    function epochCount() external view returns (uint256) {
        return _state.epochCount(_header());
    }

    /// @inheritdoc IWorkAgreement
    function epochAt(uint256 blockNumber) external view returns (uint256) {
        AgreementTerms memory header = _header();
        uint256 endBlock = _state.end(header);
        if (blockNumber < header.start || blockNumber >= endBlock) {
            revert WorkAgreement_OutsideWindow(header.start, endBlock - 1, blockNumber);
        }
        return (blockNumber - header.start) / header.epochLength;
    }

    /// @inheritdoc IWorkAgreement
    function windowsOf(uint256 epoch) external view returns (EpochWindows memory) {
        return _windowsOf(_header(), epoch);
    }

    /// @inheritdoc IWorkAgreement
    function status() external view returns (AgreementStatus) {
        AgreementTerms memory header = _header();
        if (_state.progress.finalized) return AgreementStatus.Finalized;
        if (block.number < header.start) return AgreementStatus.Scheduled;
        if (block.number < _state.end(header)) return AgreementStatus.Running;
        uint256 count = _state.epochCount(header);
        // A contested epoch becomes final after those that follow it.
        for (uint256 epoch = _state.progress.settledEpochs; epoch < count; epoch++) {
            if (block.number < _windowsOf(header, epoch).finalFrom) return AgreementStatus.Reporting;
        }
        return AgreementStatus.Due;
    }

    /// @inheritdoc IWorkAgreement
    function program() external view returns (bytes32) {
        return _state.program;
    }

    /// @inheritdoc IWorkAgreement
    function boundFrom() external view returns (uint256 epoch) {
        return _state.program == bytes32(0) ? type(uint256).max : _state.progress.boundFrom;
    }

    /// @inheritdoc IWorkAgreement
    function testers() external view returns (address[] memory accounts) {
        AgreementTerms memory header = _header();
        if (block.number < header.start || block.number >= _state.end(header)) return accounts;
        return TESTERS.accountsOf(_state.draws[_runningEpoch(header)].testerIds());
    }

    /// @inheritdoc IWorkAgreement
    function testersOf(uint256 epoch) external view returns (address[] memory) {
        _windowsOf(_header(), epoch);
        return TESTERS.accountsOf(_state.draws[epoch].testerIds());
    }

    /// @inheritdoc IWorkAgreement
    function seatsOf(uint256 epoch) external view returns (TesterSeat[] memory seats) {
        _windowsOf(_header(), epoch);
        uint256 draw = _state.draws[epoch];
        address[] memory accounts = TESTERS.accountsOf(draw.testerIds());
        uint256 workerCount = _args().workerCount();
        seats = new TesterSeat[](accounts.length);
        for (uint256 i = 0; i < seats.length; i++) {
            seats[i].tester = accounts[i];
            seats[i].testerId = draw.testerIdAt(i);
            seats[i].status = _statusOf(draw, epoch, i);
            seats[i].excused = (draw.excused() >> i) & 1 == 1;
            seats[i].grouped = draw.isGrouped(i);
            if (!draw.hasRevealed(i)) continue;
            uint256 packed = draw.hasDissented(i) ? _state.seats[epoch][i] : 0;
            seats[i].verdicts = EpochVerdicts.unpackVerdicts(packed, workerCount);
        }
    }

    /// @inheritdoc IWorkAgreement
    function isOpen(uint256 epoch) external view returns (bool) {
        return _state.draws[epoch].isOpen();
    }

    /// @inheritdoc IWorkAgreement
    function previewTesters(uint256 epoch) external view returns (address[] memory accounts) {
        EpochWindows memory windows = _windowsOf(_header(), epoch);
        uint256 draw = _state.draws[epoch];
        if (draw.isOpen()) return TESTERS.accountsOf(draw.testerIds());
        if (block.number < windows.commitFrom || block.number > windows.commitTo) return accounts;
        return TESTERS.draw(_drawRequest(_args(), epoch, windows.from));
    }

    /// @inheritdoc IWorkAgreement
    function tallyOf(uint256 epoch) external view returns (Outcome[] memory outcomes, uint256 reveals) {
        AgreementTerms memory all = _terms();
        _windowsOf(all, epoch);
        Tally memory tally = _tally(epoch, all.workers.length);
        return (EpochVerdicts.outcomes(tally, all.testerCount), tally.reveals);
    }

    /// @inheritdoc IWorkAgreement
    function settledEpochs() external view returns (uint256) {
        return _state.progress.settledEpochs;
    }

    /// @inheritdoc IWorkAgreement
    function dispatcher() external view returns (address) {
        return TESTERS.dispatcher();
    }

    /// @inheritdoc IWorkAgreement
    function disputes() external view returns (address) {
        return address(DISPUTES);
    }

    function _args() internal view returns (bytes memory) {
        return Clones.fetchCloneArgs(address(this));
    }

    /// @dev The terms without the list of workers.
    function _header() internal view returns (AgreementTerms memory) {
        return _args().header();
    }

    function _terms() internal view returns (AgreementTerms memory) {
        return _args().decode();
    }

    function _windowsOf(AgreementTerms memory header, uint256 epoch) internal view returns (EpochWindows memory) {
        _spanOf(header, epoch);
        return EpochTiming.windows(header, _state.end(header), epoch, _state.draws[epoch].isContested());
    }

    /// @dev An epoch's first block, and the first after it.
    function _spanOf(AgreementTerms memory header, uint256 epoch) internal view returns (uint256 from, uint256 next) {
        uint256 last = _state.end(header);
        (from, next) = EpochTiming.span(header, last, epoch);
        if (from >= last) revert WorkAgreement_UnknownEpoch(_state.epochCount(header), epoch);
    }

    function _tally(uint256 epoch, uint256 workerCount) internal view returns (Tally memory) {
        return EpochVerdicts.tally(_state.draws[epoch], _state.seats[epoch], workerCount, 0);
    }

    /// @dev Only while the agreement runs.
    function _runningEpoch(AgreementTerms memory header) internal view returns (uint256) {
        return (block.number - header.start) / header.epochLength;
    }

    /// @return from The epoch's first block.
    function _requireCommitWindow(bytes memory args, uint256 epoch) private view returns (uint256 from) {
        uint256 next;
        (from, next) = _spanOf(args.header(), epoch);
        (uint256 first, uint256 last) = EpochTiming.commitWindow(from, next);
        _requireWindow(first, last);
    }

    /// @dev An epoch that takes commitments now: its draw, its testers, and whether it is made only now.
    function _drawToGroup(uint256 epoch) private returns (uint256 draw, address[] memory accounts, bool isNew) {
        bytes memory args = _args();
        uint256 from = _requireCommitWindow(args, epoch);
        draw = _state.draws[epoch];
        isNew = !draw.isOpen();
        if (isNew) (draw, accounts) = _open(args, epoch, from);
        else accounts = TESTERS.accountsOf(draw.testerIds());
    }

    function _drawToReveal(bytes memory args, uint256 epoch) private view returns (uint256) {
        AgreementTerms memory header = args.header();
        (, uint256 next) = _spanOf(header, epoch);
        (uint256 first, uint256 last) = EpochTiming.revealWindow(header, next);
        _requireWindow(first, last);
        return _state.draws[epoch];
    }

    function _open(
        bytes memory args,
        uint256 epoch,
        uint256 from
    ) private returns (uint256 draw, address[] memory accounts) {
        DrawRequest memory request = _drawRequest(args, epoch, from);
        (uint256[] memory drawn, uint256 excused) = TESTERS.assign(request);
        draw = EpochVerdicts.pack(drawn, excused);
        accounts = new address[](drawn.length);
        for (uint256 i = 0; i < drawn.length; i++) {
            accounts[i] = address(uint160(drawn[i] >> 32));
        }
        emit EpochOpened(epoch, request.seedBlock, accounts, excused);
    }

    /// @dev An excused tester that commits takes the duty after all, with its stake.
    function _back(uint256 draw, uint256 seat) private returns (uint256) {
        if ((draw.excused() >> seat) & 1 == 0) return draw;
        TESTERS.takeDuty(_header().number, draw.testerIdAt(seat));
        return draw.withBacking(seat);
    }

    function _reveal(
        uint256 draw,
        uint256 epoch,
        SeatReveal calldata report,
        bytes32 committed,
        uint256 workerCount
    ) private returns (uint256) {
        uint256 seat = report.seat;
        if (seat >= draw.seatCount()) revert WorkAgreement_BadSeat(epoch, seat);
        uint256 packed = report.verdicts;
        if (!EpochVerdicts.areVerdicts(packed, workerCount)) revert WorkAgreement_BadVerdicts(workerCount, packed);
        if (bytes(report.evidenceCid).length > MAX_CID_BYTES) {
            revert WorkAgreement_CidTooLong(MAX_CID_BYTES, bytes(report.evidenceCid).length);
        }
        if (committed == bytes32(0) || draw.hasRevealed(seat)) {
            revert WorkAgreement_NothingToReveal(epoch, report.tester);
        }
        bytes32 commitment = keccak256(
            abi.encode(address(this), epoch, report.tester, packed, report.evidenceCid, report.salt)
        );
        if (_bind(commitment, report.tester) != committed)
            revert WorkAgreement_CommitmentMismatch(epoch, report.tester);

        // Writes nothing when a grouped seat, which has no commitment of its own, found all workers Ok.
        if (packed != 0 || !draw.isGrouped(seat)) _state.seats[epoch][seat] = packed;
        emit VerdictRevealed(epoch, report.tester, report.verdicts, report.evidenceCid, report.salt);
        return draw.withReveal(seat, packed != 0);
    }

    /// @dev The caller's seat.
    function _seatOf(uint256 draw, uint256 epoch) private view returns (uint256) {
        uint256 testerId = TESTERS.testerOf(msg.sender);
        uint256 count = draw.seatCount();
        for (uint256 i = 0; i < count; i++) {
            if (draw.testerIdAt(i) == testerId) return i;
        }
        revert WorkAgreement_NotDrawn(epoch, msg.sender);
    }

    function _statusOf(uint256 draw, uint256 epoch, uint256 seat) private view returns (SeatStatus) {
        if (draw.hasRevealed(seat)) return SeatStatus.Revealed;
        if (draw.isGrouped(seat) || _state.seats[epoch][seat] != 0) return SeatStatus.Committed;
        return SeatStatus.Drawn;
    }

    function _drawRequest(bytes memory args, uint256 epoch, uint256 from) private view returns (DrawRequest memory) {
        AgreementTerms memory header = args.header();
        uint256 count = args.workerCount();
        address[] memory excluded = new address[](count + 1);
        for (uint256 i = 0; i < count; i++) {
            excluded[i] = args.worker(i).operator;
        }
        excluded[count] = header.client;
        return
            DrawRequest({
                agreement: address(this),
                number: header.number,
                epoch: epoch,
                round: 0,
                seedBlock: EpochTiming.epochSeed(from),
                testerCount: header.testerCount,
                feePerEpoch: header.testerFeePerEpoch,
                excluded: excluded
            });
    }

    function _requireSigned(bytes32 domain, uint256 epoch, SignedCommit calldata signed, address tester) private pure {
        if (signed.commitment == bytes32(0)) revert WorkAgreement_ZeroCommitment();
        bytes32 message = keccak256(abi.encode(COMMIT_TYPEHASH, epoch, signed.commitment));
        address signer = ECDSA.recover(MessageHashUtils.toTypedDataHash(domain, message), signed.signature);
        if (signer != tester) revert WorkAgreement_BadSignature(tester, signer);
    }

    /// @dev What counts of a seat's commitment: with its tester, so that who copies it cannot reveal it as its own, though
    /// a report names its tester itself.
    function _bind(bytes32 commitment, address tester) private pure returns (bytes32) {
        return keccak256(abi.encode(commitment, tester));
    }

    function _requireWindow(uint256 from, uint256 to) private view {
        if (block.number < from || block.number > to) revert WorkAgreement_OutsideWindow(from, to, block.number);
    }
}
