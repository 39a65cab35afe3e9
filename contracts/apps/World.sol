// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC1155Holder} from "@openzeppelin/contracts/token/ERC1155/utils/ERC1155Holder.sol";

import {LandMap} from "../libraries/LandMap.sol";
import {Land, LAND_KINDS, LAND_WORDS} from "../types/LandTypes.sol";
import {WorldItems} from "./WorldItems.sol";
import {WorldToken} from "./WorldToken.sol";

/// @title A world of lands, heroes and things
/// @notice Its owner founds lands, each with a lord. At home a land is the world's, and so is its stock: one thing for each
/// field that holds one. A game takes both out and brings both back. Nothing is made but with a land or a hero.
contract World is Ownable, ERC1155Holder {
    /// @notice What a hero gets with it of kinds 1 and 2.
    uint256 public constant KIT = 4;

    WorldToken public immutable LANDS;
    WorldToken public immutable HEROES;
    WorldItems public immutable ITEMS;

    /// @notice Lands are numbered from 1.
    uint256 public landCount;
    /// @notice Heroes are numbered from 1.
    uint24 public heroCount;
    /// @notice The hero that an account got, zero while it has got none.
    mapping(address account => uint256 heroId) public heroOf;
    /// @notice Whether a contract may take lands out.
    mapping(address game => bool) public isGame;
    mapping(uint256 landId => Land) private _lands;

    event LandFounded(uint256 indexed landId, address indexed lord, string name);
    event LandTaken(uint256 indexed landId, address indexed game);
    event LandReturned(uint256 indexed landId, address indexed game);
    event HeroEnlisted(uint256 indexed heroId, address indexed account);
    event GameAppointed(address indexed game, bool may);

    /// @notice The account has its hero.
    error World_Enlisted(address account, uint256 heroId);
    /// @notice The world's owner has not allowed it.
    error World_NotGame(address caller);
    /// @notice The land is somewhere else; zero: it is at home, or there is none.
    error World_NotThere(uint256 landId, address expected, address actual);

    constructor() Ownable(msg.sender) {
        LANDS = new WorldToken("Lands", "LAND");
        HEROES = new WorldToken("Heroes", "HERO");
        ITEMS = new WorldItems();
    }

    /// @notice Lets a game take lands out, or no longer.
    /// @dev Owner only.
    function appoint(address game, bool may) external onlyOwner {
        isGame[game] = may;
        emit GameAppointed(game, may);
    }

    /// @notice Makes a land, and what its fields hold.
    /// @dev Owner only. Reverts with LandMap_BadField.
    function found(
        address lord,
        string calldata name,
        uint256[LAND_WORDS] calldata fields
    ) external onlyOwner returns (uint256 landId) {
        uint256[LAND_KINDS] memory counts = LandMap.count(fields);
        landId = ++landCount;
        _lands[landId] = Land({lord: lord, game: address(0), name: name, fields: fields});
        emit LandFounded(landId, lord, name);
        LANDS.mint(address(this), landId);
        for (uint256 i = 0; i < LAND_KINDS; i++) {
            if (counts[i] != 0) ITEMS.mint(address(this), i + 1, counts[i]);
        }
    }

    /// @notice Gives the caller a hero, and something to begin with; once.
    /// @dev Reverts with _Enlisted.
    function enlist() external returns (uint256 heroId) {
        if (heroOf[msg.sender] != 0) revert World_Enlisted(msg.sender, heroOf[msg.sender]);
        heroId = ++heroCount;
        heroOf[msg.sender] = heroId;
        emit HeroEnlisted(heroId, msg.sender);
        HEROES.mint(msg.sender, heroId);
        ITEMS.mint(msg.sender, 1, KIT);
        ITEMS.mint(msg.sender, 2, KIT);
    }

    /// @notice Takes a land out of the world: the land and its stock are the caller's until it brings them back.
    /// @dev Games only (_NotGame). Reverts with _NotThere.
    function takeLand(uint256 landId) external {
        if (!isGame[msg.sender]) revert World_NotGame(msg.sender);
        Land storage land = _lands[landId];
        if (land.game != address(0) || landId == 0 || landId > landCount) {
            revert World_NotThere(landId, address(0), land.game);
        }
        land.game = msg.sender;
        uint256[LAND_KINDS] memory counts = LandMap.count(land.fields);
        emit LandTaken(landId, msg.sender);
        LANDS.transferFrom(address(this), msg.sender, landId);
        for (uint256 i = 0; i < LAND_KINDS; i++) {
            if (counts[i] != 0) ITEMS.safeTransferFrom(address(this), msg.sender, i + 1, counts[i], "");
        }
    }

    /// @notice Brings a land back, as it is now, with its stock, both of which the world may take from the caller. A field
    /// that nothing came for becomes grass, and what came for no field is its lord's.
    /// @param amounts Of each kind, what comes.
    /// @dev Who has it only (_NotThere).
    function returnLand(
        uint256 landId,
        uint256[LAND_WORDS] calldata fields,
        uint256[LAND_KINDS] calldata amounts
    ) external {
        Land storage land = _lands[landId];
        if (land.game != msg.sender) revert World_NotThere(landId, msg.sender, land.game);
        land.game = address(0);
        uint256[LAND_KINDS] memory left;
        (land.fields, left) = LandMap.fit(fields, amounts);
        emit LandReturned(landId, msg.sender);
        LANDS.transferFrom(msg.sender, address(this), landId);
        for (uint256 i = 0; i < LAND_KINDS; i++) {
            if (amounts[i] != left[i]) _take(i + 1, amounts[i] - left[i], address(this));
            if (left[i] != 0) _take(i + 1, left[i], land.lord);
        }
    }

    /// @notice A land; one that there is none of has no lord.
    function landOf(uint256 landId) external view returns (Land memory) {
        return _lands[landId];
    }

    /// @notice Of each kind, what a land's fields hold while it is at home.
    function stockOf(uint256 landId) external view returns (uint256[LAND_KINDS] memory) {
        return LandMap.count(_lands[landId].fields);
    }

    function _take(uint256 kind, uint256 amount, address to) private {
        ITEMS.safeTransferFrom(msg.sender, to, kind, amount, "");
    }
}
