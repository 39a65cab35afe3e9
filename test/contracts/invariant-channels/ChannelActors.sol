// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChannelAbsence} from "../../../contracts/channels/ChannelAbsence.sol";
import {ChannelCourt} from "../../../contracts/channels/ChannelCourt.sol";
import {ChannelHub} from "../../../contracts/channels/ChannelHub.sol";
import {ChannelReplay} from "../../../contracts/channels/ChannelReplay.sol";
import {ChannelStore} from "../../../contracts/channels/ChannelStore.sol";
import {ChannelVault} from "../../../contracts/channels/ChannelVault.sol";
import {StakingPool} from "../../../contracts/channels/StakingPool.sol";
import {ChannelSignatures} from "../../../contracts/libraries/ChannelSignatures.sol";
import {CounterProgram} from "../../../contracts/mocks/channels/CounterProgram.sol";
import {ScriptedToken} from "../../../contracts/mocks/channels/ScriptedToken.sol";
import {
    Asset,
    AssetKind,
    Config,
    JoinConsent,
    Label,
    ReadAccess,
    SettlementMode,
    SignedVote,
    VoteOption
} from "../../../contracts/types/ChannelTypes.sol";
import {Secp256k1} from "../base/Secp256k1.sol";
import {SolidityTest} from "../base/Vm.sol";

/// @dev Two channels of one app, this contract, and accounts that join them: one channel settles at once and takes votes as
/// proof, the other one has a window.
abstract contract ChannelActors is SolidityTest {
    uint256 public constant ACTORS = 5;
    uint256 public constant CHANNELS = 2;
    uint256 internal constant STAKE = 1 ether;
    uint256 internal constant FINE = 0.3 ether + 1;
    uint256 internal constant WINDOW = 50;
    uint256 internal constant UNBONDING = 100;
    uint32 internal constant ANSWER = 30;
    uint256 private constant BEGAN = 1_700_000_000;
    uint256 private constant WEALTH = 1_000_000 ether;

    ChannelHub public hub;
    StakingPool public pool;
    ScriptedToken public token;
    address public program;
    address[] public actors;
    address[] internal _signers;
    /// @dev What went wrong in an action, such as a panic; zero when nothing did.
    bytes32 public wrong;
    mapping(bytes32 action => uint256) public happened;
    uint64 private _consents;

    constructor() {
        VM.warp(BEGAN);
        pool = new StakingPool(UNBONDING);
        ChannelCourt court = new ChannelCourt(new ChannelReplay());
        ChannelAbsence absence = new ChannelAbsence(ANSWER);
        hub = new ChannelHub(pool, address(new ChannelStore()), address(new ChannelVault()), court, absence);
        token = new ScriptedToken();
        program = address(new CounterProgram());
        hub.registerProgram(program);
        bytes[] memory keys = Secp256k1.publicKeys(2 * ACTORS);
        for (uint256 i = 0; i < ACTORS; i++) {
            actors.push(address(uint160(uint256(keccak256(keys[i])))));
            _signers.push(address(uint160(uint256(keccak256(keys[ACTORS + i])))));
            VM.deal(actors[i], WEALTH);
        }
        VM.deal(address(this), WEALTH);
        token.mint(address(this), WEALTH);
        for (uint256 channel = 1; channel <= CHANNELS; channel++) {
            hub.create(program, "", _config(channel), new Label[](0));
            token.approve(vaultOf(channel), WEALTH);
        }
    }

    function vaultOf(uint256 channel) public view returns (address) {
        return hub.channelOf(channel).vault;
    }

    function storeOf(uint256 channel) public view returns (CounterProgram) {
        return CounterProgram(hub.channelOf(channel).store);
    }

    function _config(uint256 channel) private pure returns (Config memory) {
        return
            Config({
                mode: SettlementMode.Slots,
                readAccess: ReadAccess.Anyone,
                votesAreProof: channel == 1,
                maxMembers: 5,
                tickMs: 0,
                maxCatchUpTicks: 0,
                windowSeconds: channel == 1 ? 0 : uint64(WINDOW),
                aliveSeconds: 0,
                answerSeconds: 0,
                stakeWei: STAKE,
                fineWei: FINE
            });
    }

    /// @dev Joins an actor by its consent.
    function _join(uint256 channel, uint256 actor, bool pooled, Asset[] memory assets) internal returns (bool ok) {
        JoinConsent memory consent = JoinConsent({
            channel: channel,
            app: address(this),
            program: program,
            member: actors[actor],
            signer: _signers[actor],
            stakeSource: pooled ? address(pool) : address(0),
            maxStake: STAKE,
            deadline: type(uint64).max - ++_consents
        });
        bytes32 digest = ChannelSignatures.digestOf(address(hub), ChannelSignatures.hash(consent));
        bytes memory data = abi.encodeCall(
            hub.join,
            (channel, actors[actor], consent, _sign(actor + 1, digest), assets)
        );
        return _act("join", address(this), assets[0].amount + (pooled ? 0 : STAKE), data);
    }

    /// @dev Votes of those whose bit is set.
    function _votes(uint256 channel, bytes32 hash, uint256 voters) internal returns (SignedVote[] memory votes) {
        votes = new SignedVote[](ACTORS);
        uint256 count;
        uint8 option = uint8(VoteOption.For);
        bytes32 digest = ChannelSignatures.digestOf(address(hub), ChannelSignatures.voteHash(channel, hash, option));
        for (uint256 i = 0; i < ACTORS; i++) {
            if (voters & (1 << i) == 0) continue;
            votes[count++] = SignedVote(actors[i], option, _sign(ACTORS + i + 1, digest));
        }
        // Shortens the list to those who vote.
        assembly ("memory-safe") {
            mstore(votes, count)
        }
    }

    /// @dev Does something at the hub as an account. A refusal is as good as a success; a panic is not.
    function _act(bytes32 action, address from, uint256 value, bytes memory data) internal returns (bool) {
        return _actAt(action, address(hub), from, value, data);
    }

    function _actAt(
        bytes32 action,
        address target,
        address from,
        uint256 value,
        bytes memory data
    ) internal returns (bool ok) {
        bytes memory result;
        if (from != address(this)) VM.prank(from);
        (ok, result) = target.call{value: value}(data);
        if (ok) happened[action]++;
        else if (result.length == 0 || bytes4(result) == bytes4(keccak256("Panic(uint256)"))) wrong = action;
    }

    function _assets(uint256 etherAmount, uint256 tokenAmount) internal view returns (Asset[] memory assets) {
        assets = new Asset[](tokenAmount == 0 ? 1 : 2);
        assets[0] = Asset(AssetKind.Ether, address(0), 0, etherAmount);
        if (tokenAmount != 0) assets[1] = Asset(AssetKind.ERC20, address(token), 0, tokenAmount);
    }

    /// @dev Another number for each use of the same seed.
    function _roll(uint256 seed, string memory use) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, use)));
    }

    /// @dev By an actor's node.
    function _signAs(uint256 actor, bytes32 digest) internal returns (bytes memory) {
        return _sign(ACTORS + actor + 1, digest);
    }

    function _sign(uint256 privateKey, bytes32 digest) private returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = VM.sign(privateKey, digest);
        return abi.encodePacked(r, s, v);
    }
}
