// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";

import {IChannelHub} from "../interfaces/IChannelHub.sol";
import {ChannelSlots} from "../libraries/ChannelSlots.sol";
import {
    Asset,
    AssetKind,
    ChannelView,
    Config,
    JoinConsent,
    Label,
    ReadAccess,
    SettlementMode
} from "../types/ChannelTypes.sol";
import {Land, LAND_KINDS, LAND_WORDS, LandGenesis} from "../types/LandTypes.sol";
import {ChannelApp} from "./ChannelApp.sol";
import {LandCraftProgram} from "./LandCraftProgram.sol";
import {World} from "./World.sol";
import {WorldItems} from "./WorldItems.sol";
import {WorldToken} from "./WorldToken.sol";

/// @title Lands of a world, played in channels
/// @notice A land's lord opens a channel for it: the land leaves the world, and comes back when the channel is closed, as it
/// is then. Members bring a hero and things, stake 1 ether, and take out what is theirs when they leave.
///
/// Nothing is made here. What can be dug out is the land's stock, one thing for each field that holds one. It comes into the
/// channel's vault with the lord, who joins first, and what is left of it comes back to this contract, in whose name the
/// program keeps it. So the lord answers for the land's stock, as each member does for what it brings: who wants its land
/// safe is in its channel, or has somebody watch it.
contract LandCraft is ChannelApp {
    /// @notice A land that is or was out.
    struct Session {
        uint256 landId;
        address lord;
        // The lord has brought the land's stock.
        bool isStocked;
        // The land is back.
        bool isOver;
    }

    /// @notice Label under which a channel has its land's world.
    bytes32 public constant WORLD_LABEL = "world_address";
    /// @notice Label under which a channel has its land's number.
    bytes32 public constant LAND_LABEL = "land_id";
    /// @notice What a player stakes, and what it is fined at most, in wei.
    uint256 public constant STAKE = 1 ether;
    /// @notice Milliseconds between ticks.
    uint64 public constant TICK_MS = 100;
    /// @notice Ticks that are caught up after a pause.
    uint32 public constant MAX_CATCH_UP_TICKS = 50;
    /// @notice Members of a channel; each has a place on the land.
    uint32 public constant MAX_MEMBERS = 16;

    uint64 private constant WINDOW_SECONDS = 60;

    /// @notice What its channels run.
    address public immutable PROGRAM;
    World public immutable WORLD;
    WorldToken public immutable LANDS;
    WorldToken public immutable HEROES;
    WorldItems public immutable ITEMS;

    /// @notice The hero with which an account joined a channel last, zero for none.
    mapping(uint256 channel => mapping(address account => uint256 heroId)) public heroOf;
    mapping(uint256 channel => Session) private _sessions;
    mapping(uint256 landId => uint256 channel) private _channels;
    /// @dev Of each kind, what of a land's stock came back out of a vault.
    mapping(address vault => uint256[LAND_KINDS]) private _returned;

    event LandOpened(uint256 indexed landId, uint256 indexed channel, address indexed lord);
    event LandClosing(uint256 indexed landId, uint256 indexed channel);
    event LandBroughtBack(uint256 indexed landId, uint256 indexed channel);

    /// @notice Only the land's lord does this.
    error LandCraft_NotLord(address lord, address caller);
    /// @notice Nobody joins before the land's lord.
    error LandCraft_LordFirst(address lord, address caller);
    /// @notice No land is in this channel.
    error LandCraft_NoLand(uint256 channel);
    /// @notice The land is played; once its channel is closed, it can be brought back.
    error LandCraft_Open(uint256 landId, uint256 channel);

    constructor(IChannelHub hub, address program, World world) ChannelApp(hub) {
        PROGRAM = program;
        WORLD = world;
        LANDS = world.LANDS();
        HEROES = world.HEROES();
        ITEMS = world.ITEMS();
        world.LANDS().setApprovalForAll(address(world), true);
        world.ITEMS().setApprovalForAll(address(world), true);
    }

    /// @notice Opens a channel for one of the caller's lands, which leaves its world.
    /// @dev The land's lord only (_NotLord). Reverts with _Open while its last channel is not closed, and as World.takeLand.
    function open(uint256 landId) external returns (uint256 channel) {
        uint256 last = _channels[landId];
        if (last != 0 && !_sessions[last].isOver) bringBack(last);
        Land memory land = WORLD.landOf(landId);
        if (msg.sender != land.lord) revert LandCraft_NotLord(land.lord, msg.sender);
        LandGenesis memory genesis = LandGenesis({
            name: land.name,
            landAccount: address(this),
            lord: land.lord,
            heroToken: address(HEROES),
            itemToken: address(ITEMS),
            fields: land.fields
        });
        Label[] memory labels = new Label[](2);
        labels[0] = Label({key: WORLD_LABEL, value: bytes32(uint256(uint160(address(WORLD))))});
        labels[1] = Label({key: LAND_LABEL, value: bytes32(landId)});
        channel = _create(PROGRAM, abi.encode(genesis), _config(), labels);
        _sessions[channel] = Session({landId: landId, lord: land.lord, isStocked: false, isOver: false});
        _channels[landId] = channel;
        emit LandOpened(landId, channel, land.lord);
        WORLD.takeLand(landId);
    }

    /// @notice Joins the caller with its hero and things, which this contract may take from it. The stake is in the value, or
    /// in the pool that the consent names.
    /// @param heroId Zero for none: who has none can only look.
    /// @param amounts Of each kind, what it brings.
    /// @dev Reverts with _LordFirst, and as IChannelHub.join. The lord brings the land's stock too: it must be able to receive
    /// it for a moment.
    function join(
        uint256 channel,
        JoinConsent calldata consent,
        bytes calldata signature,
        uint256 heroId,
        uint256[LAND_KINDS] calldata amounts
    ) external payable returns (uint64 joinNumber) {
        Session storage session = _sessions[channel];
        uint256[LAND_KINDS] memory brought = amounts;
        if (!session.isStocked) {
            if (msg.sender != session.lord) revert LandCraft_LordFirst(session.lord, msg.sender);
            session.isStocked = true;
            uint256[LAND_KINDS] memory stock = WORLD.stockOf(session.landId);
            for (uint256 i = 0; i < LAND_KINDS; i++) {
                brought[i] += stock[i];
                if (stock[i] != 0) ITEMS.safeTransferFrom(address(this), msg.sender, i + 1, stock[i], "");
            }
        }
        heroOf[channel][msg.sender] = heroId;
        return _join(channel, consent, signature, _assets(heroId, brought));
    }

    /// @notice Asks for the caller's leave.
    /// @dev See IChannelHub.leaveFor.
    function quit(uint256 channel) external {
        _leave(channel);
    }

    /// @notice Ends a channel. Once that is settled, anybody brings its land back.
    /// @dev The land's lord only (_NotLord), see IChannelHub.close.
    function close(uint256 channel) external {
        Session storage session = _sessionOf(channel);
        if (msg.sender != session.lord) revert LandCraft_NotLord(session.lord, msg.sender);
        _close(channel);
        emit LandClosing(session.landId, channel);
    }

    /// @notice Brings a land back to its world, as it is in its closed channel, with what is left of its stock. Again does
    /// nothing.
    /// @dev Anyone; where the channel was frozen, the land's lord only (_NotLord), once it has claimed the stock for this
    /// contract by proofs, since there is no other way to it. Reverts with _NoLand, _Open.
    function bringBack(uint256 channel) public {
        Session storage session = _sessionOf(channel);
        if (session.isOver) return;
        ChannelView memory view_ = HUB.channelOf(channel);
        if (!view_.closed) revert LandCraft_Open(session.landId, channel);
        bool isFrozen = HUB.freezeOf(channel).frozen;
        if (isFrozen && msg.sender != session.lord) revert LandCraft_NotLord(session.lord, msg.sender);
        session.isOver = true;
        emit LandBroughtBack(session.landId, channel);
        uint256[LAND_WORDS] memory fields = WORLD.landOf(session.landId).fields;
        uint256[LAND_KINDS] memory amounts = WORLD.stockOf(session.landId);
        if (session.isStocked) {
            if (!isFrozen) _claimStock(channel);
            amounts = _returned[view_.vault];
            // Else nothing was ever settled.
            if (HUB.headOf(channel).height != 0) fields = LandCraftProgram(view_.store).fields();
        }
        WORLD.returnLand(session.landId, fields, amounts);
    }

    /// @notice The channel in which a land is or was played last, zero when it never was.
    function channelOf(uint256 landId) external view returns (uint256) {
        return _channels[landId];
    }

    /// @notice The land of a channel.
    /// @dev Reverts with _NoLand.
    function sessionOf(uint256 channel) external view returns (Session memory) {
        return _sessionOf(channel);
    }

    /// @inheritdoc ERC1155Holder
    /// @dev Notes which vault things come from.
    function onERC1155Received(
        address operator,
        address from,
        uint256 id,
        uint256 value,
        bytes memory data
    ) public override returns (bytes4) {
        if (msg.sender == address(ITEMS) && id != 0 && id <= LAND_KINDS) _returned[from][id - 1] += value;
        return super.onERC1155Received(operator, from, id, value, data);
    }

    /// @dev What of it is left; somebody may have done so before.
    function _claimStock(uint256 channel) private {
        for (uint256 kind = 1; kind <= LAND_KINDS; kind++) {
            // Who gives too little gas for this has none left for what follows.
            try HUB.claim(channel, address(this), ChannelSlots.assetKey(address(ITEMS), kind)) {} catch {}
        }
    }

    function _assets(uint256 heroId, uint256[LAND_KINDS] memory amounts) private view returns (Asset[] memory assets) {
        assets = new Asset[](LAND_KINDS + 1);
        uint256 count;
        if (heroId != 0) {
            assets[count++] = Asset({kind: AssetKind.ERC721, token: address(HEROES), id: heroId, amount: 1});
        }
        for (uint256 i = 0; i < LAND_KINDS; i++) {
            if (amounts[i] == 0) continue;
            assets[count++] = Asset({kind: AssetKind.ERC1155, token: address(ITEMS), id: i + 1, amount: amounts[i]});
        }
        assembly ("memory-safe") {
            // No longer than it was.
            mstore(assets, count)
        }
    }

    function _sessionOf(uint256 channel) private view returns (Session storage session) {
        session = _sessions[channel];
        if (session.landId == 0) revert LandCraft_NoLand(channel);
    }

    function _config() private pure returns (Config memory config) {
        config.mode = SettlementMode.Slots;
        config.readAccess = ReadAccess.Anyone;
        config.maxMembers = MAX_MEMBERS;
        config.tickMs = TICK_MS;
        config.maxCatchUpTicks = MAX_CATCH_UP_TICKS;
        config.windowSeconds = WINDOW_SECONDS;
        config.stakeWei = STAKE;
        config.fineWei = STAKE;
    }
}
