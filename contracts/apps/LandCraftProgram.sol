// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChannelProgram} from "../channels/ChannelProgram.sol";
import {ChannelLimits} from "../libraries/ChannelLimits.sol";
import {ChannelSlots} from "../libraries/ChannelSlots.sol";
import {LandMap} from "../libraries/LandMap.sol";
import {Asset} from "../types/ChannelTypes.sol";
import {Deed, Direction, Hero, HeroView, LAND_KINDS, LAND_WORDS, LandGenesis, LandView} from "../types/LandTypes.sol";

/// @title A land on which heroes walk, dig and build
/// @notice Heroes are told what to do by calls, and do it in ticks, one after the other; who is first changes with each tick.
/// A hero walks a field a tick, and not where another one stands or where something is. What it digs out is its owner's, and
/// what it puts down is the land's: for each field that holds something, the land owns that thing in the exit ledger, so that
/// things are neither made nor lost. The land's own share of the ledger is under the account of the app.
///
/// What an order says a hero may be unable to do: it rests then. No tick fails.
contract LandCraftProgram is ChannelProgram {
    using LandMap for uint256[LAND_WORDS];

    /// @dev One slot.
    struct Board {
        uint64 tick;
        // Of heroes, a bit each.
        uint16 taken;
        // Its lord has brought its stock.
        bool isStocked;
    }

    /// @notice Heroes that a land has room for.
    uint256 public constant SEATS = 16;
    /// @notice Ticks that it takes to dig out a field of each kind, a byte each, kind 1 first.
    bytes5 public constant HARDNESS = 0x0305080c14;

    /// @notice What the land is called.
    string public name;
    /// @notice In whose name the ledger keeps the land's stock.
    address public landAccount;
    /// @notice Who brings the stock.
    address public lord;
    /// @notice The tokens of heroes and things.
    address public heroToken;
    address public itemToken;
    Board private _board;
    uint256[LAND_WORDS] private _fields;
    /// @dev Fields on which somebody stands, a bit each.
    uint256[2] private _occupied;
    Hero[SEATS] private _heroes;
    /// @dev From 1.
    mapping(address account => uint256 seat) private _seats;

    event Arrived(address indexed account, uint256 seat, uint256 x, uint256 y);
    event Left(address indexed account, uint256 seat);
    event Dug(address indexed account, uint256 x, uint256 y, uint256 kind);
    event Built(address indexed account, uint256 x, uint256 y, uint256 kind);

    /// @notice Only those with a hero on the land do this.
    error LandCraftProgram_NoHero(address account);
    /// @notice There is no such kind.
    error LandCraftProgram_NoKind(uint256 max, uint256 kind);
    /// @notice A walk has a step at least.
    error LandCraftProgram_NoSteps();

    /// @notice Has the caller's hero walk, until something is in its way.
    /// @dev Those with a hero only (_NoHero). Reverts with _NoSteps.
    function walk(Direction direction, uint8 steps) external {
        if (steps == 0) revert LandCraftProgram_NoSteps();
        _order(Deed.Walk, direction, steps);
    }

    /// @notice Has the caller's hero dig out what is next to it, see HARDNESS. The same order again lets it go on.
    /// @dev Those with a hero only (_NoHero).
    function dig(Direction direction) external {
        _order(Deed.Dig, direction, 0);
    }

    /// @notice Has the caller's hero put something of its owner's down next to it, on grass.
    /// @dev Those with a hero only (_NoHero). Reverts with _NoKind.
    function put(Direction direction, uint8 kind) external {
        if (!LandMap.isKind(kind)) revert LandCraftProgram_NoKind(LAND_KINDS, kind);
        _order(Deed.Put, direction, kind);
    }

    /// @notice Has the caller's hero do nothing.
    /// @dev Those with a hero only (_NoHero).
    function rest() external {
        _order(Deed.Rest, _heroes[_seatOf(_sender())].facing, 0);
    }

    /// @notice Asks to leave the land, with the hero and all that its owner carries.
    /// @dev Those with a hero only (_NoHero).
    function goHome() external {
        _seatOf(_sender());
        _requestLeave(_sender());
    }

    /// @notice All that there is to see.
    function look() external view returns (LandView memory land) {
        Board memory board = _board;
        land.name = name;
        land.tick = board.tick;
        land.fields = _fields;
        land.stock = itemsOf(landAccount);
        land.heroes = new HeroView[](SEATS);
        uint256 count;
        for (uint256 seat = 0; seat < SEATS; seat++) {
            if (!_isTaken(board, seat)) continue;
            Hero memory hero = _heroes[seat];
            land.heroes[count++] = HeroView({seat: uint8(seat), hero: hero, items: itemsOf(hero.owner)});
        }
        HeroView[] memory heroes = land.heroes;
        assembly ("memory-safe") {
            // No longer than it was.
            mstore(heroes, count)
        }
    }

    /// @notice The land's fields, see LandMap.
    function fields() external view returns (uint256[LAND_WORDS] memory) {
        return _fields;
    }

    /// @notice Of each kind, what an account owns here.
    function itemsOf(address account) public view returns (uint256[LAND_KINDS] memory items) {
        for (uint256 i = 0; i < LAND_KINDS; i++) {
            items[i] = ownedOf(account, _keyOf(i + 1));
        }
    }

    function _initialize(bytes calldata initialState) internal override {
        LandGenesis memory genesis = abi.decode(initialState, (LandGenesis));
        (name, landAccount, lord) = (genesis.name, genesis.landAccount, genesis.lord);
        (heroToken, itemToken, _fields) = (genesis.heroToken, genesis.itemToken, genesis.fields);
    }

    function _onJoin(address member, Asset[] calldata assets) internal override {
        Board memory board = _board;
        if (member == lord && !board.isStocked) {
            _stock();
            board.isStocked = true;
            _board = board;
        }
        // What heroes dig must have room among what their owners have.
        if (assets.length + LAND_KINDS > ChannelLimits.ASSETS) return;
        for (uint256 i = 0; i < assets.length; i++) {
            if (assets[i].token == heroToken) return _arrive(board, member, assets[i].id);
        }
    }

    function _onLeave(address member) internal override {
        uint256 number = _seats[member];
        if (number == 0) return;
        uint256 seat = number - 1;
        Hero memory hero = _heroes[seat];
        _occupy(LandMap.fieldOf(hero.x, hero.y), false);
        _board.taken &= ~uint16(1 << seat);
        delete _heroes[seat];
        delete _seats[member];
        emit Left(member, seat);
    }

    function _onTick() internal override {
        Board memory board = _board;
        board.tick++;
        _board = board;
        for (uint256 i = 0; i < SEATS; i++) {
            uint256 seat = (board.tick + i) % SEATS;
            if (_isTaken(board, seat)) _act(seat);
        }
    }

    function _order(Deed deed, Direction direction, uint8 argument) private {
        uint256 seat = _seatOf(_sender());
        Hero memory hero = _heroes[seat];
        bool goesOn = deed == Deed.Dig && hero.deed == Deed.Dig && hero.facing == direction;
        if (!goesOn) hero.progress = 0;
        (hero.deed, hero.facing, hero.argument) = (deed, direction, argument);
        _heroes[seat] = hero;
    }

    function _act(uint256 seat) private {
        Hero memory hero = _heroes[seat];
        if (hero.deed == Deed.Rest) return;
        (bool isThere, uint256 x, uint256 y) = LandMap.next(hero.x, hero.y, hero.facing);
        bool goesOn;
        if (isThere) {
            if (hero.deed == Deed.Walk) goesOn = _step(hero, x, y);
            else if (hero.deed == Deed.Dig) goesOn = _dig(hero, x, y);
            else _put(hero, x, y);
        }
        if (!goesOn) (hero.deed, hero.argument, hero.progress) = (Deed.Rest, 0, 0);
        _heroes[seat] = hero;
    }

    /// @return goesOn True when there are steps left.
    function _step(Hero memory hero, uint256 x, uint256 y) private returns (bool goesOn) {
        uint256 field = LandMap.fieldOf(x, y);
        if (!_isFree(field)) return false;
        _occupy(LandMap.fieldOf(hero.x, hero.y), false);
        _occupy(field, true);
        (hero.x, hero.y) = (uint8(x), uint8(y));
        hero.argument--;
        return hero.argument != 0;
    }

    /// @return goesOn True when it takes longer.
    function _dig(Hero memory hero, uint256 x, uint256 y) private returns (bool goesOn) {
        uint256 field = LandMap.fieldOf(x, y);
        uint256 kind = _fields.get(field);
        // Before its lord has come, a land has nothing.
        if (!LandMap.isKind(kind) || ownedOf(landAccount, _keyOf(kind)) == 0) return false;
        hero.progress++;
        if (hero.progress < uint8(HARDNESS[kind - 1])) return true;
        _fields.set(field, LandMap.GRASS);
        _move(landAccount, hero.owner, _keyOf(kind), 1);
        // As many as there are fields at most, unless it also builds: it stays the largest number then.
        if (hero.dug != type(uint24).max) hero.dug++;
        emit Dug(hero.owner, x, y, kind);
        return false;
    }

    function _put(Hero memory hero, uint256 x, uint256 y) private {
        uint256 field = LandMap.fieldOf(x, y);
        uint256 kind = hero.argument;
        if (!_isFree(field) || ownedOf(hero.owner, _keyOf(kind)) == 0) return;
        _fields.set(field, kind);
        _move(hero.owner, landAccount, _keyOf(kind), 1);
        emit Built(hero.owner, x, y, kind);
    }

    /// @dev What the lord brought with the land becomes the land's.
    function _stock() private {
        uint256[LAND_KINDS] memory counts = LandMap.count(_fields);
        for (uint256 i = 0; i < LAND_KINDS; i++) {
            if (counts[i] != 0) _move(lord, landAccount, _keyOf(i + 1), counts[i]);
        }
    }

    /// @dev Sets a hero on the first free field from one on that nobody chooses; without one it has no place here.
    function _arrive(Board memory board, address member, uint256 heroId) private {
        uint256 seat = 0;
        while (seat < SEATS && _isTaken(board, seat)) {
            seat++;
        }
        if (seat == SEATS) return;
        uint256 start = uint256(keccak256(abi.encode(_randomness(), member))) % LandMap.FIELDS;
        for (uint256 i = 0; i < LandMap.FIELDS; i++) {
            uint256 field = (start + i) % LandMap.FIELDS;
            if (!_isFree(field)) continue;
            _occupy(field, true);
            Hero memory hero;
            hero.owner = member;
            (hero.x, hero.y) = (uint8(field % LandMap.WIDTH), uint8(field / LandMap.WIDTH));
            hero.facing = Direction.South;
            // Worlds have no more heroes than that.
            hero.id = uint24(heroId);
            _heroes[seat] = hero;
            _seats[member] = seat + 1;
            board.taken |= uint16(1 << seat);
            _board = board;
            emit Arrived(member, seat, hero.x, hero.y);
            return;
        }
    }

    function _occupy(uint256 field, bool isOccupied) private {
        uint256 bit = 1 << (field % 256);
        if (isOccupied) _occupied[field / 256] |= bit;
        else _occupied[field / 256] &= ~bit;
    }

    function _isFree(uint256 field) private view returns (bool) {
        bool isOccupied = (_occupied[field / 256] >> (field % 256)) & 1 == 1;
        return !isOccupied && _fields.get(field) == LandMap.GRASS;
    }

    function _seatOf(address account) private view returns (uint256) {
        uint256 number = _seats[account];
        if (number == 0) revert LandCraftProgram_NoHero(account);
        return number - 1;
    }

    function _keyOf(uint256 kind) private view returns (bytes32) {
        return ChannelSlots.assetKey(itemToken, kind);
    }

    function _isTaken(Board memory board, uint256 seat) private pure returns (bool) {
        return (board.taken >> seat) & 1 == 1;
    }
}
