// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccusationView} from "../types/ChannelAbsenceTypes.sol";
import {Opening} from "../types/ChannelCourtTypes.sol";
import {RecordHeader, SignedAck, SignedStanding} from "../types/ChannelTypes.sol";

import {IChannelHub} from "./IChannelHub.sol";

/// @title Who is there, where no quorum can say so
/// @notice Members agree among themselves as long as a quorum of them is there. Where it is not, one accuses another one here of being
/// silent, and silence for the channel's `answerSeconds` is absence: an absent member counts in no quorum. It still owns what it owns,
/// may vote and show fraud, and comes back by one ack.
///
/// **A member that follows** is accused with a record that the leader of the hub's term has signed. It answers with its ack of that
/// record, which anybody may bring. If nobody gave it the records, it says from which height on, and the accusation falls unless they
/// are published here; then it acks the last of them. A leader that cannot begin its term for want of a word asks for that.
///
/// **The leader** is accused of leading nobody. The accusation is an entry of the inbox, and the answer the certificate of a record that
/// has taken it. A leader that can show such a record but no certificate for it is there, and keeps its vote, but not the office.
///
/// **Bonds** pay whoever brings an answer, at the base fee of the accusation or of the answer, whichever is higher, and what is left
/// goes back to the accuser; where records were asked for and did not come, the accused gets all of it. After an answer nobody accuses
/// that member for another `answerSeconds`. There is always one that is present: the last one cannot be accused.
///
/// **Terms**: members elect leaders without the hub, which learns of that by `reportElection`, or by the term that an accusation names;
/// that one may be 65,536 after the hub's. The term that follows is after both.
///
/// **Heartbeats on chain**: in channels with `aliveSeconds` whoever is silent for so long is absent without an accusation. Any member
/// says so with `applyAbsence`, and takes the office of such a leader with `applyLeader`.
interface IChannelAbsence {
    /// @notice `head` is zero where no record is to be acked, `entry` where it is not the leader who is accused.
    event Accused(
        uint256 indexed channel,
        address indexed member,
        address indexed accuser,
        uint64 term,
        uint64 height,
        bytes32 head,
        uint64 entry,
        uint64 deadline
    );
    /// @notice The leader has shown a record of its own: it is there, and has no quorum.
    event LeaderShown(uint256 indexed channel, address indexed member);
    event Answered(uint256 indexed channel, address indexed member, address indexed by);
    event RecordsDemanded(uint256 indexed channel, address indexed member, uint64 first, uint64 last, uint64 deadline);
    /// @notice What was demanded, with further headers where there were some; the member acks the record of the last input until
    /// `deadline`.
    event RecordsPosted(
        uint256 indexed channel,
        address indexed member,
        RecordHeader[] headers,
        bytes[] inputs,
        uint64 deadline
    );
    /// @notice The end of an accusation without an answer; `absent` where it did not fall.
    event Resolved(uint256 indexed channel, address indexed member, bool absent);
    event ElectionReported(uint256 indexed channel, uint64 term, address indexed leader);
    event CreditWithdrawn(address indexed account, uint256 amountWei);

    /// @notice The contract belongs to a hub already.
    error ChannelAbsence_AlreadyAttached(address hub);
    /// @notice The channel is frozen or closed.
    error ChannelAbsence_Over(uint256 channel);
    /// @notice The account is no member, or leaves.
    error ChannelAbsence_NotMember(uint256 channel, address account);
    /// @notice Nobody accuses itself, who is absent already, the last one that is present, or the leader of being no good follower.
    error ChannelAbsence_NotAccusable(uint256 channel, address member);
    /// @notice The member is accused already, or has answered just now.
    error ChannelAbsence_TooEarly(uint256 channel, address member, uint256 from);
    /// @notice Less ether than answers may cost.
    error ChannelAbsence_BondTooSmall(uint256 least, uint256 actual);
    /// @notice Not a record that the leader of the hub's term has signed, or one before what is final.
    error ChannelAbsence_BadHead(uint256 channel, uint64 term, uint64 height);
    /// @notice The term is before the hub's, or too far after it.
    error ChannelAbsence_WrongTerm(uint256 channel, uint64 term, uint64 actual);
    /// @notice Nobody accuses that member of that.
    error ChannelAbsence_NoAccusation(uint256 channel, address member);
    /// @notice The answer is not signed as it must be, or of something else.
    error ChannelAbsence_BadAnswer(uint256 channel, address member);
    /// @notice Those who signed are no quorum of those who count.
    error ChannelAbsence_NoQuorum(uint256 channel);
    /// @notice There are no such records, or they were demanded before.
    error ChannelAbsence_BadDemand(uint256 channel, address member);
    /// @notice The member is not absent, or its ack does not show that it has taken the entry that said so.
    error ChannelAbsence_NotBack(uint256 channel, address member);
    /// @notice The hub has heard of the member in time, or the channel uses no heartbeats on chain.
    error ChannelAbsence_IsThere(uint256 channel, address member);
    /// @notice Nothing is owed to the account.
    error ChannelAbsence_NoCredit(address account);

    /// @notice Ties this contract to the hub that calls this, once.
    /// @dev Reverts with _AlreadyAttached.
    function attachHub() external;

    /// @notice Says that the leader leads nobody. `term` is the one that the caller is in. A member only, with at least `bondOf`.
    /// @dev Reverts with _Over, _NotMember, _NotAccusable, _WrongTerm, _TooEarly, _BondTooSmall.
    function accuseLeader(uint256 channel, uint64 term) external payable;

    /// @notice Says that a member does not ack a record of the hub's leader. A member only, with at least `bondOf`.
    /// @dev Reverts as `accuseLeader`, and with _BadHead.
    function accuse(uint256 channel, address member, Opening calldata head) external payable;

    /// @notice Says that a member does not give its word for the hub's term, so that its leader, the caller, cannot begin it: there is no
    /// record of it to ack.
    /// @dev Reverts as `accuseLeader`.
    function accuseOfSilence(uint256 channel, address member) external payable;

    /// @notice Answers for a member with its `LeaderChange` to the term of the accusation and for who accuses it. Anyone.
    /// @dev Reverts with _NoAccusation, _BadAnswer.
    function answerByWord(uint256 channel, SignedStanding calldata standing) external;

    /// @notice Answers for a member that follows, with its ack of the record. Anyone.
    /// @dev Reverts with _NoAccusation, _BadAnswer.
    function answerByAck(uint256 channel, address member, uint64 certified, bytes calldata signature) external;

    /// @notice Answers for the leader, with the certificate of a record that has taken the accusation. Anyone.
    /// @dev Reverts with _NoAccusation, _BadAnswer, _NoQuorum.
    function answerByCertificate(
        uint256 channel,
        address leader,
        RecordHeader calldata header,
        SignedAck[] calldata acks
    ) external;

    /// @notice Shows that the leader is there, with a record that it has signed and that has taken the accusation. Anyone.
    /// @dev Reverts with _NoAccusation, _BadAnswer, and as RecordOpenings.
    function answerByRecord(uint256 channel, address leader, Opening calldata record) external;

    /// @notice The accused says that nobody gave it the records from `first` on, which is not final. Up to 16 are asked for, once, with
    /// `demandBondOf` of them; the accuser has as long as for an answer.
    /// @dev Reverts with _NoAccusation, _BadDemand, _BondTooSmall.
    function demandRecords(uint256 channel, uint64 first) external payable;

    /// @notice Publishes what was demanded, in order; of large inputs the first 64 KiB are enough. The last record is the one of the accusation, or `signed` opens it, as signed by the
    /// leader in the accusation's term. Where that term begins later, headers without inputs follow, up to a record that it has. Anyone;
    /// the demand's bond pays it by bytes.
    /// @dev Reverts with _NoAccusation, _BadDemand, _BadHead, and as RecordOpenings.
    function postRecords(
        uint256 channel,
        address member,
        RecordHeader[] calldata headers,
        bytes[] calldata inputs,
        Opening calldata signed
    ) external;

    /// @notice Ends an accusation whose time is over. Anyone.
    /// @dev Reverts with _NoAccusation, _TooEarly.
    function resolve(uint256 channel, address member) external;

    /// @notice The caller is absent and acks a record that has taken the entry which said so: it counts again.
    /// @dev Reverts with _Over, _NotBack, _BadAnswer.
    function comeBack(
        uint256 channel,
        RecordHeader calldata header,
        uint64 certified,
        bytes calldata signature
    ) external;

    /// @notice Says of a member without a heartbeat on chain that it is absent. A member that has one only.
    /// @dev Reverts with _Over, _NotMember, _IsThere, _NotAccusable.
    function applyAbsence(uint256 channel, address member) external;

    /// @notice Takes the office of a leader without a heartbeat on chain, who is absent then. `term` is the one that the caller is in. A
    /// member that has a heartbeat only.
    /// @dev Reverts as `applyAbsence`, and with _WrongTerm.
    function applyLeader(uint256 channel, uint64 term) external;

    /// @notice Tells the hub of a term that a quorum of those who count has gone to. Anyone.
    /// @dev Reverts with _Over, _WrongTerm, _NotMember, _BadAnswer, _NoQuorum.
    function reportElection(
        uint256 channel,
        uint64 term,
        address newLeader,
        SignedStanding[] calldata standings
    ) external;

    /// @notice Pays the caller what it is owed of bonds.
    /// @dev Reverts with _NoCredit, and when the ether cannot be sent.
    function withdraw() external returns (uint256 amountWei);

    function hub() external view returns (IChannelHub);

    /// @notice How long accused members of a channel may take to answer.
    function answerSecondsOf(uint256 channel) external view returns (uint256);

    /// @notice What an accusation costs at least in a block of this base fee.
    function bondOf(uint256 baseFeeWei) external pure returns (uint256 amountWei);

    /// @notice What a demand of so many records costs at least, of an accusation that was made at this base fee.
    function demandBondOf(uint256 baseFeeWei, uint256 records) external pure returns (uint256 amountWei);

    /// @notice What a member is accused of; all zero for nothing.
    function accusationOf(uint256 channel, address member) external view returns (AccusationView memory);

    function creditOf(address account) external view returns (uint256 amountWei);
}
