// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AnswerProof, Outcome, PanelWindows, Resolution, TesterSeat} from "../types/MarketTypes.sol";

/// @title Appeals against outcomes, and challenges of reports
/// @notice Both are possible in the appeal window of an epoch, both put up a bond, and both end when the agreement
/// settles the epoch, whose finality they put off by one panel: `panelWindowsOf`.
///
/// **Appeal**: the client, the worker's operator, or a tester who said otherwise appeals an outcome (with a quorum) for
/// one worker, once for each. One panel of 2T + 1 testers, none of them drawn for the epoch, judges all workers of the
/// epoch that were appealed; with fewer testers all others, at least T. Anyone opens it, its testers commit and reveal
/// as an epoch's do. A panel of which at least half reveal decides; more than half of its seats make an outcome Wrong,
/// or not Ok. The bond is the panel's fees for one worker. Overturned: it goes back, and the testers of the epoch who
/// voted for the overturned outcome pay the panel out of their duty's stake. Upheld: it pays those who revealed, and
/// what is left goes back.
///
/// **Challenge**: anyone may ask a tester to show on what its Ok for a worker rests, once for each worker of each report,
/// from the first epoch on that began with a bound program. The tester shows the worker's signed answer to its probe of
/// that program and gets the bond. If it cannot show one of those asked for, it loses its report, its fee and, once, what
/// a miss costs: half of that is shared by those who asked in vain, who get their bonds back, too; half is burnt.
interface IDisputes {
    event Appealed(
        address indexed agreement,
        uint256 indexed epoch,
        uint256 workerIndex,
        address indexed appellant,
        Outcome outcome
    );
    event PanelOpened(
        address indexed agreement,
        uint256 indexed epoch,
        uint256 seedBlock,
        address[] testers,
        uint256 excused
    );
    event PanelCommitted(address indexed agreement, uint256 indexed epoch, address indexed tester, bytes32 commitment);
    event PanelRevealed(
        address indexed agreement,
        uint256 indexed epoch,
        address indexed tester,
        uint64 verdicts,
        string evidenceCid,
        bytes32 salt
    );
    /// @notice `outcome` is the panel's, or the one appealed when the panel did not decide.
    event AppealResolved(
        address indexed agreement,
        uint256 indexed epoch,
        uint256 workerIndex,
        Outcome outcome,
        bool overturned
    );
    event Challenged(
        address indexed agreement,
        uint256 indexed epoch,
        uint256 seat,
        uint256 workerIndex,
        address indexed challenger
    );
    event ChallengeAnswered(
        address indexed agreement,
        uint256 indexed epoch,
        uint256 seat,
        uint256 workerIndex,
        bytes32 requestHash
    );
    /// @notice `workers` are the indexes of those for whom nothing was shown, one bit each; their challengers share
    /// `reward` in equal parts.
    event ReportStruck(address indexed agreement, uint256 indexed epoch, uint256 seat, uint256 workers, uint256 reward);
    event BondWithdrawn(address indexed account, uint256 amount);

    /// @notice Not an agreement of the dispatcher.
    error Disputes_NotAnAgreement(address account);
    /// @notice The action is taken in blocks `from` to `to` only.
    error Disputes_OutsideWindow(uint256 from, uint256 to, uint256 current);
    /// @notice Workers are numbered from 0 to count - 1.
    error Disputes_UnknownWorker(uint256 count, uint256 workerIndex);
    /// @notice The outcome says nothing about the worker, so there is nothing to appeal.
    error Disputes_NothingToAppeal(uint256 epoch, uint256 workerIndex);
    /// @notice Only the client, the worker's operator and testers who said otherwise appeal.
    error Disputes_NotAParty(address caller);
    /// @notice The outcome was appealed before.
    error Disputes_AlreadyAppealed(uint256 epoch, uint256 workerIndex);
    /// @notice The bond is exactly this much.
    error Disputes_BadBond(uint256 required, uint256 sent);
    /// @notice The epoch was not appealed.
    error Disputes_NotAppealed(uint256 epoch);
    /// @notice The panel was opened before.
    error Disputes_AlreadyOpen(uint256 epoch);
    /// @notice The panel was not opened.
    error Disputes_NotOpen(uint256 epoch);
    /// @notice Fewer testers than an epoch has seats are left for a panel.
    error Disputes_NotEnoughTesters(uint256 wanted, uint256 have);
    /// @notice The caller was not drawn for the panel.
    error Disputes_NotDrawn(uint256 epoch, address caller);
    /// @notice A commitment is not zero.
    error Disputes_ZeroCommitment();
    /// @notice A panel's tester commits once.
    error Disputes_AlreadyCommitted(uint256 epoch, address tester);
    /// @notice The tester did not commit, or revealed before.
    error Disputes_NothingToReveal(uint256 epoch, address tester);
    /// @notice What is revealed is not what was committed.
    error Disputes_CommitmentMismatch(uint256 epoch, address tester);
    /// @notice Not a verdict for each worker and nothing more.
    error Disputes_BadVerdicts(uint256 workers, uint256 verdicts);
    /// @notice The evidence's CID is longer than MAX_CID_BYTES.
    error Disputes_CidTooLong(uint256 max, uint256 actual);
    /// @notice The seat's report does not say that this worker was Ok, or needs no answer to show for it.
    error Disputes_NothingToChallenge(uint256 epoch, uint256 seat, uint256 workerIndex);
    /// @notice The report was challenged for this worker before.
    error Disputes_AlreadyChallenged(uint256 epoch, uint256 seat, uint256 workerIndex);
    /// @notice No challenge waits for an answer here.
    error Disputes_NotChallenged(uint256 epoch, uint256 seat, uint256 workerIndex);
    /// @notice The request's input is larger than MAX_INPUT_BYTES.
    error Disputes_InputTooLarge(uint256 max, uint256 actual);
    /// @notice The answer to this request, with the probe's nonce and to the bound program, is not signed by a message key
    /// of the worker's twin.
    error Disputes_WrongSigner(uint256 expectedTwin, address signer);
    /// @notice The account has nothing here.
    error Disputes_NothingToWithdraw(address account);

    /// @notice Appeals an outcome. The value is the bond: (2T + 1) x the agreement's fee per epoch.
    /// @dev In blocks appealFrom to appealTo of the epoch. Reverts with _NotAnAgreement, _OutsideWindow,
    /// _UnknownWorker, _NothingToAppeal, _NotAParty, _AlreadyAppealed, _BadBond.
    function appeal(address agreement, uint256 epoch, uint256 workerIndex) external payable;

    /// @notice Draws the panel. Anyone, in its commit window; the first commitment does it otherwise.
    /// @dev Reverts with _NotAppealed, _OutsideWindow, _AlreadyOpen, _NotEnoughTesters.
    function openPanel(address agreement, uint256 epoch) external;

    /// @notice Commits the caller's verdicts to a panel, by the formula of {IWorkAgreement}.
    /// @dev In the panel's commit window (_OutsideWindow). Reverts also with _NotAppealed, _NotEnoughTesters, _NotDrawn,
    /// _AlreadyCommitted, _ZeroCommitment.
    function commit(address agreement, uint256 epoch, bytes32 commitment) external;

    /// @notice Reveals the verdicts of a panel's tester: 2 bits for each worker, of which those appealed count. Whoever
    /// knows the salt may bring them.
    /// @dev In the panel's reveal window (_OutsideWindow). Reverts also with _NotOpen, _NotDrawn, _BadVerdicts,
    /// _CidTooLong, _NothingToReveal, _CommitmentMismatch.
    function reveal(
        address agreement,
        uint256 epoch,
        address tester,
        uint64 verdicts,
        string calldata evidenceCid,
        bytes32 salt
    ) external;

    /// @notice Asks a tester to show the answer on which its Ok rests. The value is the bond: the registry's
    /// `missPenalty`.
    /// @param seat The tester's place in `seatsOf(epoch)`.
    /// @dev Anyone, in blocks appealFrom to appealTo of the epoch. Reverts with _NotAnAgreement, _OutsideWindow,
    /// _UnknownWorker, _NothingToChallenge, _AlreadyChallenged, _BadBond.
    function challenge(address agreement, uint256 epoch, uint256 seat, uint256 workerIndex) external payable;

    /// @notice Shows the answer. Anyone, until the epoch is final.
    /// @dev Reverts with _NotChallenged, _OutsideWindow, _InputTooLarge, _WrongSigner, or one of ECDSA's errors.
    function answerChallenge(
        address agreement,
        uint256 epoch,
        uint256 seat,
        uint256 workerIndex,
        AnswerProof calldata proof
    ) external;

    /// @notice Ends the appeals and challenges of an epoch of the calling agreement, which is final.
    /// @dev Only agreements (_NotAnAgreement), once an epoch.
    function resolve(uint256 epoch) external returns (Resolution memory);

    /// @notice Sends the caller the bonds and rewards that are its own.
    /// @return amount Wei.
    /// @dev Reverts with _NothingToWithdraw, Ether_TransferFailed.
    function withdraw() external returns (uint256 amount);

    /// @notice What `resolve` would say to the calling agreement now.
    function preview(uint256 epoch) external view returns (Resolution memory);

    /// @notice Wei that the account can withdraw.
    function creditOf(address account) external view returns (uint256);

    /// @notice What an appeal has to put up, in wei.
    function bondOf(address agreement) external view returns (uint256);

    /// @notice A panel's phases in blocks, whether or not there is an appeal.
    function panelWindowsOf(address agreement, uint256 epoch) external view returns (PanelWindows memory);

    /// @notice Indexes of the workers whose outcome was appealed, one bit each.
    function appealedWorkers(address agreement, uint256 epoch) external view returns (uint256);

    /// @notice The testers drawn for a panel with what they did; empty when it was not opened.
    function panelOf(address agreement, uint256 epoch) external view returns (TesterSeat[] memory);

    /// @notice The testers that `openPanel` would draw in the block of the call; once opened, those drawn. Empty when it
    /// cannot be opened then.
    function previewPanel(address agreement, uint256 epoch) external view returns (address[] memory);

    /// @notice Who challenged a seat's report for a worker; zero when nobody did.
    function challengeOf(
        address agreement,
        uint256 epoch,
        uint256 seat,
        uint256 workerIndex
    ) external view returns (address challenger, bool answered);

    /// @notice Indexes of the workers for whom a seat's report was challenged and nothing shown, one bit each.
    function openChallenges(address agreement, uint256 epoch, uint256 seat) external view returns (uint256);
}
