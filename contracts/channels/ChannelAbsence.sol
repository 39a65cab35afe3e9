// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {IChannelAbsence} from "../interfaces/IChannelAbsence.sol";
import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {ChannelSignatures} from "../libraries/ChannelSignatures.sol";
import {ChannelTerms} from "../libraries/ChannelTerms.sol";
import {Ether} from "../libraries/Ether.sol";
import {RecordHash} from "../libraries/RecordHash.sol";
import {RecordOpenings} from "../libraries/RecordOpenings.sol";
import {Accusation, AccusationView} from "../types/ChannelAbsenceTypes.sol";
import {Opening} from "../types/ChannelCourtTypes.sol";
import {Ack, ChannelView, MemberView, RecordHeader, SignedAck, SignedStanding} from "../types/ChannelTypes.sol";

/// @title Who is there, where no quorum can say so, see {IChannelAbsence}
contract ChannelAbsence is IChannelAbsence {
    using RecordOpenings for Opening;
    using SafeCast for uint256;

    /// @dev Gas that a bond is for: a certificate of a full channel.
    uint256 private constant BOND_GAS = 2_200_000;
    /// @dev What an answer is paid: for itself, and for each ack that it has. Somewhat more than it takes, so that who is there does
    /// not pay for saying so.
    uint256 private constant ANSWER_GAS = 210_000;
    uint256 private constant ACK_GAS = 30_000;
    uint256 private constant MAX_RECORDS = 16;
    /// @dev Whoever publishes inputs of so many bytes need not publish more at once: nodes of the chain pass on no transaction above
    /// 128 KiB, and one more input has 16 KiB.
    uint256 private constant ENOUGH_BYTES = 64 * 1024;
    /// @dev Gas that the bond of a demand is for, of a record: header and the largest input.
    uint256 private constant RECORD_GAS = 1_000_000;
    uint256 private constant BYTE_GAS = 48;
    uint256 private constant HEADER_BYTES = 448;
    /// @dev Where blocks cost nothing there is still some bond.
    uint256 private constant LEAST_FEE = 1 gwei;
    uint256 private constant LEAST_PRESENT = 2;
    uint256 private constant FIRST_TERM = 1;

    uint256 private immutable ANSWER_SECONDS;

    IChannelHub private _hub;
    mapping(uint256 channel => mapping(address member => Accusation)) private _accusations;
    mapping(address account => uint256 amountWei) private _credits;

    /// @param answerSeconds For channels that do not say it.
    constructor(uint32 answerSeconds) {
        ANSWER_SECONDS = answerSeconds;
    }

    /// @inheritdoc IChannelAbsence
    function attachHub() external {
        if (address(_hub) != address(0)) revert ChannelAbsence_AlreadyAttached(address(_hub));
        _hub = IChannelHub(msg.sender);
    }

    /// @inheritdoc IChannelAbsence
    function accuseLeader(uint256 channel, uint64 term) external payable {
        ChannelView memory office = _openOffice(channel);
        _requireMember(channel, msg.sender);
        address leader = office.leader;
        _requireAccusable(channel, leader, office, _hub.memberOf(channel, leader));
        _requireNear(channel, term, office.term);
        Accusation storage self = _begin(channel, leader, office);
        (self.isOfLeader, self.term, self.officeTerm) = (true, term, office.term);
        self.entry = _hub.setPresence(channel, leader, false);
        emit Accused(channel, leader, msg.sender, term, 0, 0, self.entry, self.deadline);
    }

    /// @inheritdoc IChannelAbsence
    function accuse(uint256 channel, address member, Opening calldata head) external payable {
        ChannelView memory office = _openOffice(channel);
        _requireMember(channel, msg.sender);
        MemberView memory it = _hub.memberOf(channel, member);
        if (member == office.leader) revert ChannelAbsence_NotAccusable(channel, member);
        _requireAccusable(channel, member, office, it);
        RecordOpenings.Opened memory opened = head.open(_hub);
        RecordHeader memory header = opened.header;
        bool isOfLeader =
            opened.signer != address(0) &&
                opened.signer == _hub.memberOf(channel, office.leader).signer &&
                header.channel == channel &&
                header.term == office.term &&
                header.height >= _hub.headOf(channel).height &&
                header.inboxCursor >= it.joinedAt;
        if (!isOfLeader) revert ChannelAbsence_BadHead(channel, header.term, header.height);
        Accusation storage self = _begin(channel, member, office);
        (self.term, self.height, self.recordHash) = (header.term, header.height, opened.recordHash);
        emit Accused(channel, member, msg.sender, header.term, header.height, opened.recordHash, 0, self.deadline);
    }

    /// @inheritdoc IChannelAbsence
    function accuseOfSilence(uint256 channel, address member) external payable {
        ChannelView memory office = _openOffice(channel);
        if (msg.sender != office.leader || office.term == FIRST_TERM) {
            revert ChannelAbsence_NotAccusable(channel, member);
        }
        _requireAccusable(channel, member, office, _hub.memberOf(channel, member));
        Accusation storage self = _begin(channel, member, office);
        self.term = office.term;
        emit Accused(channel, member, msg.sender, office.term, 0, 0, 0, self.deadline);
    }

    /// @inheritdoc IChannelAbsence
    function answerByWord(uint256 channel, SignedStanding calldata standing) external {
        Accusation storage self = _requireOpen(channel, standing.member, false);
        bool isOfWord = self.recordHash == 0 && _isOfMember(channel, self.term, self.accuser, standing);
        if (!isOfWord) revert ChannelAbsence_BadAnswer(channel, standing.member);
        _pay(self, ANSWER_GAS);
        _fall(self, channel, standing.member);
    }

    /// @inheritdoc IChannelAbsence
    function answerByAck(uint256 channel, address member, uint64 certified, bytes calldata signature) external {
        Accusation storage self = _requireOpen(channel, member, false);
        Ack memory ack = Ack(channel, self.term, self.height, self.recordHash, certified);
        if (_signerOf(ack, signature) != _hub.memberOf(channel, member).signer) {
            revert ChannelAbsence_BadAnswer(channel, member);
        }
        _pay(self, ANSWER_GAS);
        _fall(self, channel, member);
    }

    /// @inheritdoc IChannelAbsence
    function answerByCertificate(
        uint256 channel,
        address leader,
        RecordHeader calldata header,
        SignedAck[] calldata acks
    ) external {
        Accusation storage self = _requireOpen(channel, leader, true);
        if (header.channel != channel || header.inboxCursor < self.entry) {
            revert ChannelAbsence_BadAnswer(channel, leader);
        }
        address[] memory members = new address[](acks.length);
        Ack memory ack = Ack(channel, header.term, header.height, RecordHash.hash(header), 0);
        for (uint256 i = 0; i < acks.length; i++) {
            ack.certified = acks[i].certified;
            if (_signerOf(ack, acks[i].signature) != _hub.memberOf(channel, acks[i].member).signer) {
                revert ChannelAbsence_BadAnswer(channel, acks[i].member);
            }
            members[i] = acks[i].member;
        }
        if (!_hub.isQuorumAt(channel, header.inboxCursor, members)) revert ChannelAbsence_NoQuorum(channel);
        _pay(self, ANSWER_GAS + acks.length * ACK_GAS);
        _fall(self, channel, leader);
    }

    /// @inheritdoc IChannelAbsence
    function answerByRecord(uint256 channel, address leader, Opening calldata record) external {
        Accusation storage self = _requireOpen(channel, leader, true);
        RecordOpenings.Opened memory opened = record.open(_hub);
        bool isOfLeader =
            !self.isThere &&
                opened.signer != address(0) &&
                opened.signer == _hub.memberOf(channel, leader).signer &&
                opened.header.channel == channel &&
                opened.header.inboxCursor >= self.entry;
        if (!isOfLeader) revert ChannelAbsence_BadAnswer(channel, leader);
        self.isThere = true;
        _pay(self, ANSWER_GAS);
        emit LeaderShown(channel, leader);
    }

    /// @inheritdoc IChannelAbsence
    function demandRecords(uint256 channel, uint64 first) external payable {
        Accusation storage self = _requireOpen(channel, msg.sender, false);
        bool isOpen = self.last == 0 && block.timestamp <= self.deadline;
        // What is final nobody has to keep.
        if (!isOpen || first <= _hub.headOf(channel).height || first > self.height) {
            revert ChannelAbsence_BadDemand(channel, msg.sender);
        }
        uint64 last = uint64(Math.min(self.height, uint256(first) + MAX_RECORDS - 1));
        uint256 leastWei = demandBondOf(self.feeWei, last - first + 1);
        if (msg.value < leastWei) revert ChannelAbsence_BondTooSmall(leastWei, msg.value);
        (self.first, self.last, self.demandBondWei) = (first, last, msg.value.toUint128());
        self.deadline = uint40(block.timestamp + self.answerSeconds);
        emit RecordsDemanded(channel, msg.sender, first, last, self.deadline);
    }

    /// @inheritdoc IChannelAbsence
    function postRecords(
        uint256 channel,
        address member,
        RecordHeader[] calldata headers,
        bytes[] calldata inputs,
        Opening calldata signed
    ) external {
        Accusation storage self = _requireOpen(channel, member, false);
        uint256 bytes_ = _requireEnough(self, channel, member, headers.length, inputs);
        (bytes32 recordHash, bytes32 lastHash) = _requireRun(self, channel, headers, inputs);
        if (lastHash != self.recordHash) _requireSigned(self, channel, lastHash, signed);
        uint256 paidWei = Math.min((ANSWER_GAS + bytes_ * BYTE_GAS) * self.feeWei, self.demandBondWei);
        _credits[msg.sender] += paidWei;
        self.demandBondWei -= uint128(paidWei);
        // The member acks the last one; `last` stays, so that it asks only once.
        self.height = self.first + uint64(inputs.length) - 1;
        (self.recordHash, self.first) = (recordHash, 0);
        self.deadline = uint40(block.timestamp + self.answerSeconds);
        emit RecordsPosted(channel, member, headers, inputs, self.deadline);
    }

    /// @inheritdoc IChannelAbsence
    function resolve(uint256 channel, address member) external {
        Accusation storage self = _accusations[channel][member];
        if (self.accuser == address(0)) revert ChannelAbsence_NoAccusation(channel, member);
        if (block.timestamp <= self.deadline) {
            revert ChannelAbsence_TooEarly(channel, member, uint256(self.deadline) + 1);
        }
        bool isUnmet = self.first != 0;
        bool isVoid = isUnmet || _isMoot(self, channel, member);
        bool isAbsent = !isVoid && !self.isThere;
        (uint64 term, uint64 officeTerm) = (self.term, self.officeTerm);
        bool movesOffice = !isVoid && self.isOfLeader;
        _end(self, member, isUnmet ? member : self.accuser);
        if (isAbsent) _hub.setPresence(channel, member, true);
        if (movesOffice) {
            _hub.setOffice(channel, term > officeTerm ? term : officeTerm, address(0), false);
        }
        emit Resolved(channel, member, isAbsent);
    }

    /// @inheritdoc IChannelAbsence
    function comeBack(
        uint256 channel,
        RecordHeader calldata header,
        uint64 certified,
        bytes calldata signature
    ) external {
        _openOffice(channel);
        MemberView memory it = _hub.memberOf(channel, msg.sender);
        if (it.absentAt == 0 || header.channel != channel || header.inboxCursor < it.absentAt) {
            revert ChannelAbsence_NotBack(channel, msg.sender);
        }
        Ack memory ack = Ack(channel, header.term, header.height, RecordHash.hash(header), certified);
        if (_signerOf(ack, signature) != it.signer) revert ChannelAbsence_BadAnswer(channel, msg.sender);
        _hub.setPresence(channel, msg.sender, false);
    }

    /// @inheritdoc IChannelAbsence
    function applyAbsence(uint256 channel, address member) external {
        ChannelView memory office = _openOffice(channel);
        _requireAlive(channel, msg.sender);
        if (member == office.leader) revert ChannelAbsence_NotAccusable(channel, member);
        MemberView memory it = _hub.memberOf(channel, member);
        _requireAccusable(channel, member, office, it);
        if (!it.absent) revert ChannelAbsence_IsThere(channel, member);
        _hub.setPresence(channel, member, true);
    }

    /// @inheritdoc IChannelAbsence
    function applyLeader(uint256 channel, uint64 term) external {
        ChannelView memory office = _openOffice(channel);
        _requireAlive(channel, msg.sender);
        _requireNear(channel, term, office.term);
        address leader = office.leader;
        MemberView memory it = _hub.memberOf(channel, leader);
        if (!it.absent) revert ChannelAbsence_IsThere(channel, leader);
        if (it.absentAt == 0) _hub.setPresence(channel, leader, true);
        _hub.setOffice(channel, term, msg.sender, false);
    }

    /// @inheritdoc IChannelAbsence
    function reportElection(
        uint256 channel,
        uint64 term,
        address newLeader,
        SignedStanding[] calldata standings
    ) external {
        ChannelView memory office = _openOffice(channel);
        _requireNear(channel, term, office.term);
        if (term == office.term) revert ChannelAbsence_WrongTerm(channel, term, office.term);
        if (_requireMember(channel, newLeader).absentAt != 0) revert ChannelAbsence_NotMember(channel, newLeader);
        address[] memory members = new address[](standings.length);
        for (uint256 i = 0; i < standings.length; i++) {
            members[i] = standings[i].member;
            if (!_isOfMember(channel, term, newLeader, standings[i])) {
                revert ChannelAbsence_BadAnswer(channel, members[i]);
            }
        }
        if (!_hub.isQuorumAt(channel, type(uint64).max, members)) revert ChannelAbsence_NoQuorum(channel);
        _hub.setOffice(channel, term, newLeader, true);
        emit ElectionReported(channel, term, newLeader);
    }

    /// @inheritdoc IChannelAbsence
    function withdraw() external returns (uint256 amountWei) {
        amountWei = _credits[msg.sender];
        if (amountWei == 0) revert ChannelAbsence_NoCredit(msg.sender);
        _credits[msg.sender] = 0;
        emit CreditWithdrawn(msg.sender, amountWei);
        Ether.pay(msg.sender, amountWei);
    }

    /// @inheritdoc IChannelAbsence
    function hub() external view returns (IChannelHub) {
        return _hub;
    }

    /// @inheritdoc IChannelAbsence
    function accusationOf(uint256 channel, address member) external view returns (AccusationView memory) {
        Accusation memory self = _accusations[channel][member];
        if (self.accuser == address(0)) delete self;
        return
            AccusationView({
                accuser: self.accuser,
                deadline: self.deadline,
                isOfLeader: self.isOfLeader,
                isThere: self.isThere,
                term: self.term,
                height: self.height,
                recordHash: self.recordHash,
                entry: self.entry,
                firstDemanded: self.first,
                lastDemanded: self.first == 0 ? 0 : self.last,
                bondWei: self.bondWei,
                feeWei: self.feeWei
            });
    }

    /// @inheritdoc IChannelAbsence
    function creditOf(address account) external view returns (uint256) {
        return _credits[account];
    }

    /// @inheritdoc IChannelAbsence
    function answerSecondsOf(uint256 channel) public view returns (uint256) {
        return _answerSeconds(_hub.channelOf(channel));
    }

    /// @inheritdoc IChannelAbsence
    function bondOf(uint256 baseFeeWei) public pure returns (uint256) {
        return BOND_GAS * Math.max(baseFeeWei, LEAST_FEE);
    }

    /// @inheritdoc IChannelAbsence
    function demandBondOf(uint256 baseFeeWei, uint256 records) public pure returns (uint256) {
        return records * RECORD_GAS * Math.max(baseFeeWei, LEAST_FEE);
    }

    /// @dev Writes down who accuses whom, with the bond.
    function _begin(
        uint256 channel,
        address member,
        ChannelView memory office
    ) private returns (Accusation storage self) {
        self = _accusations[channel][member];
        if (self.accuser != address(0)) revert ChannelAbsence_TooEarly(channel, member, uint256(self.deadline) + 1);
        if (block.timestamp < self.quietUntil) revert ChannelAbsence_TooEarly(channel, member, self.quietUntil);
        uint256 leastWei = bondOf(block.basefee);
        if (msg.value < leastWei) revert ChannelAbsence_BondTooSmall(leastWei, msg.value);
        uint256 answerSeconds = _answerSeconds(office);
        (self.accuser, self.deadline) = (msg.sender, uint40(block.timestamp + answerSeconds));
        (self.bondWei, self.answerSeconds) = (msg.value.toUint128(), uint32(answerSeconds));
        self.feeWei = Math.max(block.basefee, LEAST_FEE).toUint96();
    }

    /// @dev Pays whoever brings an answer.
    function _pay(Accusation storage self, uint256 gas) private {
        // Blocks may cost more than when it was accused.
        uint256 paidWei = Math.min(gas * Math.max(self.feeWei, block.basefee), self.bondWei);
        _credits[msg.sender] += paidWei;
        self.bondWei -= uint128(paidWei);
    }

    /// @dev It was answered.
    function _fall(Accusation storage self, uint256 channel, address member) private {
        uint256 answerSeconds = self.answerSeconds;
        _end(self, member, self.accuser);
        self.quietUntil = uint40(block.timestamp + answerSeconds);
        emit Answered(channel, member, msg.sender);
    }

    /// @dev Gives back what is left of bonds, and forgets the accusation.
    function _end(Accusation storage self, address member, address to) private {
        _credits[to] += self.bondWei;
        _credits[member] += self.demandBondWei;
        self.accuser = address(0);
        (self.isOfLeader, self.isThere, self.entry, self.officeTerm) = (false, false, 0, 0);
        (self.term, self.height, self.recordHash) = (0, 0, 0);
        (self.bondWei, self.feeWei, self.answerSeconds) = (0, 0, 0);
        (self.first, self.last, self.demandBondWei) = (0, 0, 0);
    }

    /// @dev What it was about has changed: who leads, or who is there.
    function _isMoot(Accusation storage self, uint256 channel, address member) private view returns (bool) {
        ChannelView memory office = _hub.channelOf(channel);
        if (_isOver(office) || office.presentCount < LEAST_PRESENT) return true;
        MemberView memory it = _hub.memberOf(channel, member);
        if (it.gone || it.leftAt != 0 || it.absentAt != 0) return true;
        if (!self.isOfLeader) return office.term != self.term || office.leader == member;
        return office.term != self.officeTerm || office.leader != member;
    }

    /// @dev All that was asked for, or as much of it as a transaction holds.
    /// @return bytes_ Of that, with all headers.
    function _requireEnough(
        Accusation storage self,
        uint256 channel,
        address member,
        uint256 headers,
        bytes[] calldata inputs
    ) private view returns (uint256 bytes_) {
        uint256 count = uint256(self.last) - self.first + 1;
        for (uint256 i = 0; i < inputs.length; i++) bytes_ += inputs[i].length;
        bool isEnough = inputs.length == count || (inputs.length < count && bytes_ >= ENOUGH_BYTES);
        if (self.first == 0 || !isEnough || headers < inputs.length) revert ChannelAbsence_BadDemand(channel, member);
        bytes_ += headers * HEADER_BYTES;
    }

    /// @dev Records from the one asked for on, each followed by the next; with their inputs those that were asked for.
    /// @return recordHash Of the last that was asked for.
    /// @return lastHash Of the last.
    function _requireRun(
        Accusation storage self,
        uint256 channel,
        RecordHeader[] calldata headers,
        bytes[] calldata inputs
    ) private view returns (bytes32 recordHash, bytes32 lastHash) {
        uint64 first = self.first;
        for (uint256 i = 0; i < headers.length; i++) {
            RecordHeader calldata header = headers[i];
            bool isNext =
                header.channel == channel &&
                    header.height == first + i &&
                    (i >= inputs.length || header.inputHash == keccak256(inputs[i])) &&
                    (i == 0 || header.previous == lastHash);
            if (!isNext) revert ChannelAbsence_BadHead(channel, header.term, header.height);
            lastHash = RecordHash.hash(header);
            if (i + 1 == inputs.length) recordHash = lastHash;
        }
    }

    /// @dev The leader has signed it in the term of the accusation. Of who led earlier terms the hub does not know enough: anybody could
    /// have signed other records in those.
    function _requireSigned(
        Accusation storage self,
        uint256 channel,
        bytes32 lastHash,
        Opening calldata signed
    ) private view {
        RecordOpenings.Opened memory opened = signed.open(_hub);
        uint64 term = opened.header.term;
        bool isSigned =
            opened.recordHash == lastHash &&
                opened.signer != address(0) &&
                opened.signer == _hub.memberOf(channel, _hub.channelOf(channel).leader).signer &&
                term == self.term;
        if (!isSigned) revert ChannelAbsence_BadHead(channel, term, opened.header.height);
    }

    function _requireOpen(
        uint256 channel,
        address member,
        bool isOfLeader
    ) private view returns (Accusation storage self) {
        self = _accusations[channel][member];
        if (self.accuser == address(0) || self.isOfLeader != isOfLeader) {
            revert ChannelAbsence_NoAccusation(channel, member);
        }
    }

    function _openOffice(uint256 channel) private view returns (ChannelView memory office) {
        office = _hub.channelOf(channel);
        if (_isOver(office)) revert ChannelAbsence_Over(channel);
    }

    function _requireMember(uint256 channel, address account) private view returns (MemberView memory it) {
        it = _hub.memberOf(channel, account);
        if (!_isActive(it)) revert ChannelAbsence_NotMember(channel, account);
    }

    /// @dev A member that counts, and has a heartbeat where those are asked for.
    function _requireAlive(uint256 channel, address account) private view {
        if (_requireMember(channel, account).absent) revert ChannelAbsence_NotMember(channel, account);
    }

    /// @dev Somebody else that counts, and is not the last one that does.
    function _requireAccusable(
        uint256 channel,
        address member,
        ChannelView memory office,
        MemberView memory it
    ) private view {
        bool isAccusable =
            member != msg.sender && _isActive(it) && it.absentAt == 0 && office.presentCount >= LEAST_PRESENT;
        if (!isAccusable) revert ChannelAbsence_NotAccusable(channel, member);
    }

    /// @dev Whether a member has signed that it goes to a term with this leader.
    function _isOfMember(
        uint256 channel,
        uint64 term,
        address newLeader,
        SignedStanding calldata standing
    ) private view returns (bool) {
        bytes32 digest = ChannelSignatures.digestOf(
            address(_hub),
            ChannelSignatures.leaderChangeHash(channel, term, newLeader, standing)
        );
        (address signer, , ) = ECDSA.tryRecoverCalldata(digest, standing.signature);
        return signer != address(0) && signer == _hub.memberOf(channel, standing.member).signer;
    }

    function _answerSeconds(ChannelView memory office) private view returns (uint256) {
        uint256 own = office.config.answerSeconds;
        return own == 0 ? ANSWER_SECONDS : own;
    }

    function _isOver(ChannelView memory office) private pure returns (bool) {
        return office.closed || office.frozen;
    }

    function _isActive(MemberView memory it) private pure returns (bool) {
        return it.joinNumber != 0 && !it.gone && it.leftAt == 0;
    }

    /// @dev The hub's term or a later one.
    function _requireNear(uint256 channel, uint64 term, uint64 officeTerm) private pure {
        if (term < officeTerm || term - officeTerm > ChannelTerms.AHEAD) {
            revert ChannelAbsence_WrongTerm(channel, term, officeTerm);
        }
    }

    function _signerOf(Ack memory ack, bytes calldata signature) private view returns (address signer) {
        bytes32 digest = ChannelSignatures.digestOf(address(_hub), ChannelSignatures.hash(ack));
        (signer, , ) = ECDSA.tryRecoverCalldata(digest, signature);
        // What is no signature must not be that of who never joined.
        if (signer == address(0)) revert ChannelAbsence_BadAnswer(ack.channel, address(0));
    }
}
