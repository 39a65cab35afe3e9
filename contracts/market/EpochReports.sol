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
    Verdict,
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

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
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
        EpochWindows memory windows = _windowsOf(_header(), epoch);
        _requireWindow(windows.commitFrom, windows.commitTo);
        if (_state.draws[epoch].isOpen()) revert WorkAgreement_AlreadyOpen(epoch);
        _state.draws[epoch] = _open(epoch, windows.from);
    }

    /// @inheritdoc IWorkAgreement
    function commit(uint256 epoch, bytes32 commitment) external {
        uint256 draw = _drawToCommit(epoch);
        uint256 seat = _seatOf(draw, epoch);
        if (commitment == bytes32(0)) revert WorkAgreement_ZeroCommitment();
        if (_statusOf(draw, epoch, seat) != SeatStatus.Drawn) revert WorkAgreement_AlreadyCommitted(epoch, msg.sender);
        uint256 backed = _back(draw, seat);
        if (backed != _state.draws[epoch]) _state.draws[epoch] = backed;
        _state.seats[epoch][seat] = uint256(commitment);
        emit VerdictCommitted(epoch, msg.sender, commitment);
    }

    /// @inheritdoc IWorkAgreement
    function commitMany(uint256 epoch, SignedCommit[] calldata commits) external {
        uint256 draw = _drawToCommit(epoch);
        if (draw.grouped() != 0) revert WorkAgreement_AlreadyGrouped(epoch);
        address[] memory accounts = TESTERS.accountsOf(draw.testerIds());
        bytes memory commitments;
        uint256 seats;
        for (uint256 i = 0; i < commits.length; i++) {
            SignedCommit calldata signed = commits[i];
            uint256 seat = signed.seat;
            // In ascending order, so each seat once.
            if (seat >= accounts.length || seats >> seat != 0) revert WorkAgreement_BadSeat(epoch, seat);
            if (_statusOf(draw, epoch, seat) != SeatStatus.Drawn) {
                revert WorkAgreement_AlreadyCommitted(epoch, accounts[seat]);
            }
            if (signed.commitment == bytes32(0)) revert WorkAgreement_ZeroCommitment();
            address signer = ECDSA.recover(_digestOf(epoch, signed.commitment), signed.signature);
            if (signer != accounts[seat]) revert WorkAgreement_BadSignature(accounts[seat], signer);
            seats |= 1 << seat;
            draw = _back(draw, seat);
            commitments = bytes.concat(commitments, signed.commitment);
            emit VerdictCommitted(epoch, signer, signed.commitment);
        }
        if (seats == 0) revert WorkAgreement_ZeroCommitment();
        _state.draws[epoch] = draw.withGroup(seats);
        _state.seats[epoch][EpochVerdicts.GROUP] = uint256(keccak256(commitments));
    }

    /// @inheritdoc IWorkAgreement
    function reveal(uint256 epoch, SeatReveal calldata report) external {
        uint256 draw = _drawToReveal(epoch);
        _requireSeat(draw, epoch, report.seat);
        if (draw.isGrouped(report.seat)) revert WorkAgreement_BadGroup(epoch);
        address tester = TESTERS.accountOf(draw.testerIdAt(report.seat));
        _state.draws[epoch] = _reveal(draw, epoch, report, tester, bytes32(_state.seats[epoch][report.seat]));
    }

    /// @inheritdoc IWorkAgreement
    function revealMany(uint256 epoch, bytes32[] calldata group, SeatReveal[] calldata reports) external {
        uint256 draw = _drawToReveal(epoch);
        uint256 grouped = draw.grouped();
        bool isGroup = uint256(keccak256(abi.encodePacked(group))) == _state.seats[epoch][EpochVerdicts.GROUP];
        if (group.length != 0 && !isGroup) revert WorkAgreement_BadGroup(epoch);
        address[] memory accounts = TESTERS.accountsOf(draw.testerIds());
        for (uint256 i = 0; i < reports.length; i++) {
            uint256 seat = reports[i].seat;
            _requireSeat(draw, epoch, seat);
            bytes32 committed = bytes32(_state.seats[epoch][seat]);
            if (draw.isGrouped(seat)) {
                // The place of a seat in its group is the number of grouped seats before it.
                uint256 place = _countBits(grouped & ((1 << seat) - 1));
                if (place >= group.length) revert WorkAgreement_BadGroup(epoch);
                committed = group[place];
            }
            draw = _reveal(draw, epoch, reports[i], accounts[seat], committed);
        }
        _state.draws[epoch] = draw;
        if (isGroup && grouped & ~draw.revealed() == 0) delete _state.seats[epoch][EpochVerdicts.GROUP];
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
        return TESTERS.accountsOf(TESTERS.draw(_drawRequest(epoch, windows.from)));
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
        uint256 count = _state.epochCount(header);
        if (epoch >= count) revert WorkAgreement_UnknownEpoch(count, epoch);
        return EpochTiming.windows(header, _state.end(header), epoch, _state.draws[epoch].isContested());
    }

    function _tally(uint256 epoch, uint256 workerCount) internal view returns (Tally memory) {
        return EpochVerdicts.tally(_state.draws[epoch], _state.seats[epoch], workerCount, 0);
    }

    /// @dev Only while the agreement runs.
    function _runningEpoch(AgreementTerms memory header) internal view returns (uint256) {
        return (block.number - header.start) / header.epochLength;
    }

    /// @dev The draw of an epoch that takes commitments now, made when nobody made it before.
    function _drawToCommit(uint256 epoch) private returns (uint256 draw) {
        EpochWindows memory windows = _windowsOf(_header(), epoch);
        _requireWindow(windows.commitFrom, windows.commitTo);
        draw = _state.draws[epoch];
        if (!draw.isOpen()) draw = _open(epoch, windows.from);
    }

    function _drawToReveal(uint256 epoch) private view returns (uint256) {
        EpochWindows memory windows = _windowsOf(_header(), epoch);
        _requireWindow(windows.revealFrom, windows.revealTo);
        return _state.draws[epoch];
    }

    function _open(uint256 epoch, uint256 from) private returns (uint256) {
        DrawRequest memory request = _drawRequest(epoch, from);
        (uint32[] memory testerIds, uint256 excused) = TESTERS.assign(request);
        emit EpochOpened(epoch, request.seedBlock, testerIds, excused);
        return EpochVerdicts.pack(testerIds, excused);
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
        address tester,
        bytes32 committed
    ) private returns (uint256) {
        uint256 workerCount = _args().workerCount();
        if (report.verdicts.length != workerCount) {
            revert WorkAgreement_BadVerdictCount(workerCount, report.verdicts.length);
        }
        if (bytes(report.evidenceCid).length > MAX_CID_BYTES) {
            revert WorkAgreement_CidTooLong(MAX_CID_BYTES, bytes(report.evidenceCid).length);
        }
        if (committed == bytes32(0) || draw.hasRevealed(report.seat)) {
            revert WorkAgreement_NothingToReveal(epoch, tester);
        }
        bytes32 commitment = keccak256(
            abi.encode(address(this), epoch, tester, report.verdicts, report.evidenceCid, report.salt)
        );
        if (commitment != committed) revert WorkAgreement_CommitmentMismatch(epoch, tester);

        uint256 packed = EpochVerdicts.packVerdicts(report.verdicts);
        // Writes nothing when a grouped seat, which has no commitment of its own, found all workers Ok.
        if (packed != 0 || !draw.isGrouped(report.seat)) _state.seats[epoch][report.seat] = packed;
        emit VerdictRevealed(epoch, tester, report.verdicts, report.evidenceCid, report.salt);
        return draw.withReveal(report.seat, packed != 0);
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

    function _drawRequest(uint256 epoch, uint256 from) private view returns (DrawRequest memory) {
        AgreementTerms memory all = _terms();
        uint256 count = all.workers.length;
        address[] memory excluded = new address[](count + 1);
        for (uint256 i = 0; i < count; i++) {
            excluded[i] = all.workers[i].operator;
        }
        excluded[count] = all.client;
        return
            DrawRequest({
                agreement: address(this),
                number: all.number,
                epoch: epoch,
                round: 0,
                seedBlock: EpochTiming.epochSeed(from),
                testerCount: all.testerCount,
                feePerEpoch: all.testerFeePerEpoch,
                excluded: excluded
            });
    }

    /// @dev What a tester signs for somebody else to bring.
    function _digestOf(uint256 epoch, bytes32 commitment) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, address(this))
        );
        return MessageHashUtils.toTypedDataHash(domain, keccak256(abi.encode(COMMIT_TYPEHASH, epoch, commitment)));
    }

    function _requireWindow(uint256 from, uint256 to) private view {
        if (block.number < from || block.number > to) revert WorkAgreement_OutsideWindow(from, to, block.number);
    }

    function _requireSeat(uint256 draw, uint256 epoch, uint256 seat) private pure {
        if (seat >= draw.seatCount()) revert WorkAgreement_BadSeat(epoch, seat);
    }

    /// @dev Of at most seven.
    function _countBits(uint256 bits) private pure returns (uint256 count) {
        for (; bits != 0; bits &= bits - 1) {
            count++;
        }
    }
}
